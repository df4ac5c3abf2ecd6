import type { ManagedClock } from './clock/create_clock.ts';
import { createFaults, type FaultInjector } from './faults/faults.ts';
import { createScriptedAnswers, type ScriptedAnswerQueue } from './faults/scripted_answers.ts';
import { createGatewayControls, type GatewayControls } from './gateway/gateway_controls.ts';
import { createHooks, type ManagedHooks } from './hooks/create_hooks.ts';
import { createRecordedRequests, type RequestRecorder } from './requests/create_recorded_requests.ts';

/** The faults, scripted answers and recordings of one issuer, at all servers. */
export interface Controls {
  readonly faults: FaultInjector;
  readonly scriptedAnswers: ScriptedAnswerQueue;
  readonly hooks: ManagedHooks;
  /** Requests to the authorization server and the gateway. */
  readonly requests: RequestRecorder;
  /** What the APIs behind the gateway received. */
  readonly calls: RequestRecorder;
  readonly gateway: GatewayControls;
  /** Forgets everything. */
  clear(): void;
  /** Ends every wait. */
  close(): void;
}

export interface ControlsOptions {
  readonly clock: Pick<ManagedClock, 'now'>;
  /** Path of the issuer; may be empty. */
  readonly mountPath: string;
  /** Path of the issuer at the gateway; may be empty. */
  readonly gatewayPath: string;
  readonly log: { error(fields: object, message: string): void };
}

export function createControls({ clock: { now }, mountPath, gatewayPath, log }: ControlsOptions): Controls {
  const faults = createFaults();
  const scriptedAnswers = createScriptedAnswers();
  const hooks = createHooks();
  const requests = createRecordedRequests({ now, mountPath });
  const calls = createRecordedRequests({ now, mountPath: '' });
  const gateway = createGatewayControls({ faults, requests, calls, mountPath: gatewayPath, log });

  function clear(): void {
    faults.clear();
    scriptedAnswers.clear();
    hooks.clear();
    requests.clear();
    calls.clear();
  }

  return {
    faults,
    scriptedAnswers,
    hooks,
    requests,
    calls,
    gateway,
    clear,
    close() {
      clear();
      requests.close();
      calls.close();
    },
  };
}

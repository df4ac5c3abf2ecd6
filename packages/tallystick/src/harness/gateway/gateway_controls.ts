import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { errorFields } from '@tallystick/common';
import type { UpstreamCall } from '@tallystick/gateway';
import { createFaultRelay } from '../faults/fault_relay.ts';
import type { FaultInjector } from '../faults/faults.ts';
import { inject } from '../faults/intercept.ts';
import type { RequestRecorder } from '../requests/create_recorded_requests.ts';
import { tapBody } from '../requests/tap_body.ts';

/** What tests see of the gateway of an issuer, and how they make it fail. */
export interface GatewayControls {
  /** Records the requests to a gateway, and injects faults into its answers. */
  intercept(handler: RequestListener): RequestListener;
  /** Records the calls to upstreams, and sends those that a fault affects elsewhere. */
  divert(this: void, call: UpstreamCall): string | undefined;
  stop(): void;
}

export interface GatewayControlsDependencies {
  readonly faults: FaultInjector;
  readonly requests: RequestRecorder;
  readonly calls: RequestRecorder;
  /** Path of the issuer at the gateway; empty for the first issuer. */
  readonly mountPath: string;
  /** Receives unexpected errors. */
  readonly log: { error(fields: object, message: string): void };
}

export function createGatewayControls(dependencies: GatewayControlsDependencies): GatewayControls {
  const { faults, requests, calls, mountPath, log } = dependencies;
  const relay = createFaultRelay(faults);
  const bodies = new WeakMap<IncomingMessage, () => Buffer>();

  async function fail(request: IncomingMessage, response: ServerResponse, handler: RequestListener): Promise<void> {
    const fault = faults.take({ at: 'gateway', path: pathOf(targetOf(request)) });
    if (fault && (await inject(fault, response, faults.cleared))) return;
    handler(request, response);
  }

  /** The target as the issuer's own gateway would get it. */
  function targetOf({ url = '' }: IncomingMessage): string {
    const target = url.startsWith(mountPath) ? url.slice(mountPath.length) : url;
    return target.startsWith('/') ? target : `/${target}`;
  }

  return {
    intercept: (handler) => (request, response) => {
      bodies.set(request, tapBody(request));
      const { method, rawHeaders } = request;
      const received = { method, rawHeaders, url: targetOf(request) };
      requests.record({ request: received, response, server: 'gateway', bodySoFar: () => undefined });
      if (faults.list().length === 0) return handler(request, response);
      fail(request, response, handler).catch((error: unknown) => {
        log.error(errorFields(error), 'request failed');
        response.destroy();
      });
    },
    divert(call) {
      const { request, response, target, api } = call;
      const rawHeaders = Object.entries(request.headers).flatMap(([name, values = []]) =>
        [values].flat().flatMap((value) => [name, value]),
      );
      const sent = { method: request.method, url: target, rawHeaders };
      calls.record({ request: sent, response, server: 'upstream', api, bodySoFar: () => bodies.get(request)?.() });
      const fault = faults.take({ at: 'upstream', api, path: pathOf(target) });
      return fault && relay.divert(call, fault);
    },
    stop: relay.stop,
  };
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '';
}

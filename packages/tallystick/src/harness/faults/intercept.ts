import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { errorFields, peekBody, peekedBody } from '@tallystick/common';
import type { ManagedClock } from '../clock/create_clock.ts';
import type { ManagedHooks } from '../hooks/create_hooks.ts';
import type { RequestRecorder } from '../requests/create_recorded_requests.ts';
import { clientOf, endpointOf } from '../requests/identify_request.ts';
import { encodingOf, parametersOf } from '../requests/parameters.ts';
import { alterResponse, answerWithStatus } from './alter_response.ts';
import type { Fault, FaultInjector } from './faults.ts';
import type { ScriptedAnswer, ScriptedAnswerQueue } from './scripted_answers.ts';

export interface Interception {
  readonly faults: FaultInjector;
  readonly scriptedAnswers: ScriptedAnswerQueue;
  readonly requests: RequestRecorder;
  readonly hooks?: Pick<ManagedHooks, 'changeAnswer'> | undefined;
  readonly clock: ManagedClock;
  /** Path of the issuer; may be empty. */
  readonly mountPath: string;
  /** Receives unexpected errors. */
  readonly log: { error(fields: object, message: string): void };
}

/** Wraps a handler: records its requests, sends scripted answers instead of its own, injects faults, and sets its clock. */
export function intercept(handler: RequestListener, interception: Interception): RequestListener {
  const { faults, scriptedAnswers, requests, hooks, clock, mountPath, log } = interception;

  async function serve(request: IncomingMessage, response: ServerResponse) {
    const endpoint = endpointOf(request.url ?? '', mountPath);
    const { method, headers } = request;
    const head = { method, contentType: headers['content-type'], endpoint };
    const hasParameters = encodingOf(head) !== undefined && headers['content-length'] !== '0';
    const body = hasParameters ? await peekBody(request) : undefined;
    if (request.destroyed) return;
    const server = 'authorization-server';
    requests.record({ request, response, server, endpoint, bodySoFar: () => peekedBody(request) });

    const scripted = scriptedAnswers.take(endpoint);
    if (scripted) return sendScriptedAnswer(response, scripted);
    const clientId = () => clientOf(request, parametersOf(head, body));
    const fault = faults.take({ at: server, endpoint, clientId });
    if (fault && (await inject(fault, response, faults.cleared))) return;
    hooks?.changeAnswer(endpoint, response);
    clock.run(() => handler(request, response));
  }

  return (request, response) => {
    serve(request, response).catch((error: unknown) => {
      log.error(errorFields(error), 'request failed');
      response.destroy();
    });
  };
}

/** Injects a fault into an answer. @returns whether the request has been answered, or its connection closed */
export async function inject(fault: Fault, response: ServerResponse, cleared: AbortSignal): Promise<boolean> {
  if (fault.delay !== undefined) await waitFor(fault.delay, response, cleared);
  if (response.destroyed) return true;
  if (fault.drop) {
    response.destroy();
    return true;
  }
  if (fault.status !== undefined) {
    answerWithStatus(response, fault.status, fault);
    return true;
  }
  if (fault.body !== undefined || fault.contentType !== undefined) alterResponse(response, fault);
  return false;
}

/** Waits. The wait ends early when the client disconnects or the faults are cleared. */
async function waitFor(milliseconds: number, response: ServerResponse, cleared: AbortSignal): Promise<void> {
  const disconnected = new AbortController();
  const abort = () => disconnected.abort();
  response.once('close', abort);
  await wait(milliseconds, undefined, { signal: AbortSignal.any([disconnected.signal, cleared]) }).catch(() => {});
  response.off('close', abort);
}

function sendScriptedAnswer(response: ServerResponse, { status, headers, body }: ScriptedAnswer): void {
  response.statusCode = status;
  if (typeof body !== 'string') response.setHeader('Content-Type', 'application/json');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

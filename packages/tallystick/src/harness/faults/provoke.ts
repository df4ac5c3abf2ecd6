import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { errorFields, mediaTypeOf, peekBody } from '@tallystick/common';
import type { RunningClock } from '../clock/create_clock.ts';
import type { RequestRecorder } from '../requests/create_recorded_requests.ts';
import { clientOf } from './client_of.ts';
import type { StrikingFaults } from './create_faults.ts';
import type { PlayedAnswers } from './create_scripted_answers.ts';
import { endpointOf } from './endpoint.ts';
import type { Fault, ScriptedAnswer } from './schemas.ts';
import { alterResponse, answerWithStatus } from './strike_response.ts';

export interface Provocations {
  readonly faults: StrikingFaults;
  readonly scriptedAnswers: PlayedAnswers;
  readonly requests: RequestRecorder;
  readonly clock: RunningClock;
  /** The path of the issuer; empty for none. */
  readonly mountPath: string;
  /** Is told what failed unexpectedly. */
  readonly log: { error(fields: object, message: string): void };
}

/** Lets a handler, which knows nothing of it, be watched, overruled and struck by faults, and keeps it to the clock. */
export function provoke(handler: RequestListener, provocations: Provocations): RequestListener {
  const { faults, scriptedAnswers, requests, clock, mountPath, log } = provocations;

  async function serve(request: IncomingMessage, response: ServerResponse) {
    const endpoint = endpointOf(request.url ?? '', mountPath);
    const form = hasForm(request) ? await peekBody(request) : undefined;
    if (request.destroyed) return;
    requests.record({ request, response, endpoint });

    const scripted = scriptedAnswers.play(endpoint);
    if (scripted) return answerAsScripted(response, scripted);
    const fault = faults.strike(endpoint, () => clientOf(request, form && new URLSearchParams(form.toString())));
    if (fault && (await strike(fault, response, faults.cleared))) return;
    clock.run(() => handler(request, response));
  }

  return (request, response) => {
    serve(request, response).catch((error: unknown) => {
      log.error(errorFields(error), 'request failed');
      response.destroy();
    });
  };
}

function hasForm({ method, headers }: IncomingMessage): boolean {
  const isForm = mediaTypeOf(headers['content-type']) === 'application/x-www-form-urlencoded';
  return method === 'POST' && isForm && headers['content-length'] !== '0';
}

/** @returns whether that was the answer */
async function strike(fault: Fault, response: ServerResponse, cleared: AbortSignal): Promise<boolean> {
  if (fault.delay !== undefined) await delay(fault.delay, response, cleared);
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

/** Ends before its time when nobody waits any more, or when the faults are cleared. */
async function delay(milliseconds: number, response: ServerResponse, cleared: AbortSignal): Promise<void> {
  const left = new AbortController();
  const leave = () => left.abort();
  response.once('close', leave);
  await wait(milliseconds, undefined, { signal: AbortSignal.any([left.signal, cleared]) }).catch(() => {});
  response.off('close', leave);
}

function answerAsScripted(response: ServerResponse, { status, headers, body }: ScriptedAnswer): void {
  response.statusCode = status;
  if (typeof body !== 'string') response.setHeader('Content-Type', 'application/json');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

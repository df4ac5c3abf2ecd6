import type { IncomingMessage, ServerResponse } from 'node:http';
import { peekedBody } from '@tallystick/common';
import { z } from 'zod';
import type { Endpoint } from '../faults/endpoint.ts';
import { endpointSchema } from '../faults/schemas.ts';
import { checkInput } from '../input_error.ts';
import { type KeptRequest, keptRequest, readKept, sizeOf } from './kept_request.ts';
import type { RecordedRequest } from './recorded_request.ts';
import { redact } from './redact.ts';

/** How many are kept, the latest, and how many bytes they may have together. */
const KEPT = 500;
const KEPT_BYTES = 8 * 1024 * 1024;

export const whichRequests = z.strictObject({
  endpoint: endpointSchema.optional().describe('Only requests to this endpoint.'),
  secrets: z.boolean().default(false).describe('Show secrets, tokens, codes and cookies as they came.'),
});

export const nextRequest = whichRequests.extend({
  wait: z.int().min(0).max(60_000).default(0).describe('Milliseconds to wait for one, at most.'),
});

/** What the authorization server was asked, in the order of its answers. Secrets and tokens are redacted unless asked for. */
export interface RecordedRequests {
  /** @throws {InputError} */
  list(which?: z.input<typeof whichRequests>): RecordedRequest[];
  /**
   * Takes the oldest out, or waits for one.
   *
   * @param signal stops waiting
   * @returns undefined when none came in time
   * @throws {InputError}
   */
  next(which?: z.input<typeof nextRequest>, signal?: AbortSignal): Promise<RecordedRequest | undefined>;
  clear(): void;
}

export interface RequestRecorder extends RecordedRequests {
  /** Records a request once its answer is complete, with what was read of its body by then. */
  record(exchange: Exchange): void;
  /** Lets go of all who wait. */
  close(): void;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly endpoint: Endpoint;
}

interface Waiter {
  readonly endpoint: Endpoint | undefined;
  take(request: KeptRequest | undefined): void;
}

export interface RecordingOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The path of the issuer; empty for none. */
  readonly mountPath: string;
}

export function createRecordedRequests({ now, mountPath }: RecordingOptions): RequestRecorder {
  let recorded: KeptRequest[] = [];
  let bytes = 0;
  const waiters = new Set<Waiter>();

  const matches = (endpoint: Endpoint | undefined) => (request: KeptRequest) =>
    endpoint === undefined || request.endpoint === endpoint;

  function keep(request: KeptRequest) {
    for (const waiter of waiters) if (matches(waiter.endpoint)(request)) return waiter.take(request);
    recorded.push(request);
    bytes += sizeOf(request);
    while (recorded.length > KEPT || bytes > KEPT_BYTES) remove(0);
  }

  function remove(index: number): KeptRequest | undefined {
    const [removed] = recorded.splice(index, 1);
    if (removed) bytes -= sizeOf(removed);
    return removed;
  }

  function shown(request: KeptRequest, secrets: boolean): RecordedRequest {
    const read = readKept(request);
    return secrets ? read : redact(read, mountPath);
  }

  function untilRecorded(endpoint: Endpoint | undefined, milliseconds: number, signal: AbortSignal | undefined) {
    return new Promise<KeptRequest | undefined>((resolve) => {
      const giveUp = () => waiter.take(undefined);
      const timer = setTimeout(giveUp, milliseconds);
      const waiter: Waiter = {
        endpoint,
        take(request) {
          waiters.delete(waiter);
          clearTimeout(timer);
          signal?.removeEventListener('abort', giveUp);
          resolve(request);
        },
      };
      waiters.add(waiter);
      signal?.addEventListener('abort', giveUp);
    });
  }

  return {
    list(which = {}) {
      const { endpoint, secrets } = checkInput(whichRequests, which);
      return recorded.filter(matches(endpoint)).map((request) => shown(request, secrets));
    },
    async next(which = {}, signal) {
      const { endpoint, secrets, wait } = checkInput(nextRequest, which);
      const index = recorded.findIndex(matches(endpoint));
      const found = index >= 0 ? remove(index) : await untilRecorded(endpoint, wait, signal);
      return found && shown(found, secrets);
    },
    clear() {
      recorded = [];
      bytes = 0;
    },
    record({ request, response, endpoint }) {
      const begun = keptRequest(request, endpoint, now());
      const listAtStart = recorded;
      whenAnswered(response, (status) => {
        const wasClearedMeanwhile = listAtStart !== recorded;
        if (!wasClearedMeanwhile) keep({ ...begun, body: peekedBody(request), status });
      });
    },
    close() {
      for (const waiter of waiters) waiter.take(undefined);
    },
  };
}

/**
 * Before the end of the answer leaves, so that who has the answer finds the record.
 *
 * @param answered is told the status, or undefined when the connection was cut before there was one
 */
function whenAnswered(response: ServerResponse, answered: (status: number | undefined) => void): void {
  let done = false;
  const once = (status: number | undefined) => {
    if (!done) answered(status);
    done = true;
  };
  const end = response.end;
  response.end = function (this: ServerResponse, ...parameters: unknown[]) {
    once(response.statusCode);
    return (end as (...all: unknown[]) => ServerResponse).apply(this, parameters);
  } as typeof response.end;
  response.once('close', () => once(response.headersSent ? response.statusCode : undefined));
}

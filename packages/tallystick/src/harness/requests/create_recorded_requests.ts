import type { IncomingMessage, ServerResponse } from 'node:http';
import { peekedBody } from '@tallystick/common';
import { z } from 'zod';
import { checkInput } from '../input_error.ts';
import { type Endpoint, endpointSchema } from './identify_request.ts';
import { parseRequest, type RawRequest, type RecordedRequest, rawRequest, sizeOf } from './recorded_request.ts';
import { redact } from './redact.ts';

/** The latest requests are kept, up to this number and this many bytes. */
const MAX_REQUESTS = 500;
const MAX_BYTES = 8 * 1024 * 1024;

export const requestFilter = z.strictObject({
  endpoint: endpointSchema.optional().describe('Only requests to this endpoint.'),
  secrets: z.boolean().default(false).describe('Show secrets, tokens, codes and cookies.'),
});

export const nextRequestFilter = requestFilter.extend({
  wait: z.int().min(0).max(60_000).default(0).describe('Maximum time to wait for a request, in milliseconds.'),
});

/** Requests that the authorization server answered, in the order of the answers. Secrets and tokens are redacted by default. */
export interface RecordedRequests {
  /** @throws {InputError} */
  list(filter?: z.input<typeof requestFilter>): RecordedRequest[];
  /**
   * Removes the oldest matching request, or waits for one.
   *
   * @param signal stops waiting
   * @returns undefined if none was answered in time
   * @throws {InputError}
   */
  next(filter?: z.input<typeof nextRequestFilter>, signal?: AbortSignal): Promise<RecordedRequest | undefined>;
  clear(): void;
}

export interface RequestRecorder extends RecordedRequests {
  /** Records a request when its answer is complete, with the part of its body that was read by then. */
  record(request: AnsweredRequest): void;
  /** Ends every pending `next`. */
  close(): void;
}

export interface AnsweredRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly endpoint: Endpoint;
}

interface Waiter {
  readonly endpoint: Endpoint | undefined;
  take(request: RawRequest | undefined): void;
}

export interface RecordingOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Path of the issuer; may be empty. */
  readonly mountPath: string;
}

export function createRecordedRequests({ now, mountPath }: RecordingOptions): RequestRecorder {
  let recorded: RawRequest[] = [];
  let bytes = 0;
  const waiters = new Set<Waiter>();

  const matches = (endpoint: Endpoint | undefined) => (request: RawRequest) =>
    endpoint === undefined || request.endpoint === endpoint;

  function add(request: RawRequest) {
    for (const waiter of waiters) if (matches(waiter.endpoint)(request)) return waiter.take(request);
    recorded.push(request);
    bytes += sizeOf(request);
    while (recorded.length > MAX_REQUESTS || bytes > MAX_BYTES) remove(0);
  }

  function remove(index: number): RawRequest | undefined {
    const [removed] = recorded.splice(index, 1);
    if (removed) bytes -= sizeOf(removed);
    return removed;
  }

  function show(request: RawRequest, secrets: boolean): RecordedRequest {
    const read = parseRequest(request);
    return secrets ? read : redact(read, mountPath);
  }

  function waitForRequest(endpoint: Endpoint | undefined, milliseconds: number, signal: AbortSignal | undefined) {
    return new Promise<RawRequest | undefined>((resolve) => {
      const cancel = () => waiter.take(undefined);
      const timer = setTimeout(cancel, milliseconds);
      const waiter: Waiter = {
        endpoint,
        take(request) {
          waiters.delete(waiter);
          clearTimeout(timer);
          signal?.removeEventListener('abort', cancel);
          resolve(request);
        },
      };
      waiters.add(waiter);
      signal?.addEventListener('abort', cancel);
    });
  }

  return {
    list(filter = {}) {
      const { endpoint, secrets } = checkInput(requestFilter, filter);
      return recorded.filter(matches(endpoint)).map((request) => show(request, secrets));
    },
    async next(filter = {}, signal) {
      const { endpoint, secrets, wait } = checkInput(nextRequestFilter, filter);
      const index = recorded.findIndex(matches(endpoint));
      const found = index >= 0 ? remove(index) : await waitForRequest(endpoint, wait, signal);
      return found && show(found, secrets);
    },
    clear() {
      recorded = [];
      bytes = 0;
    },
    record({ request, response, endpoint }) {
      const received = rawRequest(request, endpoint, now());
      const listAtStart = recorded;
      whenAnswered(response, (status) => {
        const wasClearedMeanwhile = listAtStart !== recorded;
        if (!wasClearedMeanwhile) add({ ...received, body: peekedBody(request), status });
      });
    },
    close() {
      for (const waiter of waiters) waiter.take(undefined);
    },
  };
}

/**
 * Calls back just before the end of the answer is sent, so that a client that has the answer finds the record.
 *
 * @param answered receives the status, or undefined if the connection closed before the answer
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

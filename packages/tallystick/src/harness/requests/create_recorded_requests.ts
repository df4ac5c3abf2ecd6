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
  const queue = new RequestQueue();
  const show = (request: RawRequest, secrets: boolean) => {
    const parsed = parseRequest(request);
    return secrets ? parsed : redact(parsed, mountPath);
  };
  return {
    list(filter = {}) {
      const { endpoint, secrets } = checkInput(requestFilter, filter);
      return queue.list(endpoint).map((request) => show(request, secrets));
    },
    async next(filter = {}, signal) {
      const { endpoint, secrets, wait } = checkInput(nextRequestFilter, filter);
      const found = queue.take(endpoint) ?? (await queue.wait(endpoint, wait, signal));
      return found && show(found, secrets);
    },
    clear: () => queue.clear(),
    record({ request, response, endpoint }) {
      const received = rawRequest(request, endpoint, now());
      const clearsBefore = queue.clears;
      whenAnswered(response, (status) => {
        if (queue.clears === clearsBefore) queue.add({ ...received, body: peekedBody(request), status });
      });
    },
    close: () => queue.close(),
  };
}

/** The latest requests, and the callers that wait for one. */
class RequestQueue {
  readonly #waiters = new Set<Waiter>();
  #recorded: RawRequest[] = [];
  #bytes = 0;
  #clears = 0;

  /** Number of calls of `clear`. */
  get clears(): number {
    return this.#clears;
  }

  list(endpoint: Endpoint | undefined): RawRequest[] {
    return this.#recorded.filter((request) => matches(request, endpoint));
  }

  /** Passes a request to a waiting caller, or keeps it. */
  add(request: RawRequest): void {
    const waiting = [...this.#waiters].find(({ endpoint }) => matches(request, endpoint));
    if (waiting) return void waiting.take(request);
    this.#recorded.push(request);
    this.#bytes += sizeOf(request);
    while (this.#recorded.length > MAX_REQUESTS || this.#bytes > MAX_BYTES) this.take();
  }

  /** Removes the oldest request to an endpoint. */
  take(endpoint?: Endpoint): RawRequest | undefined {
    const index = this.#recorded.findIndex((request) => matches(request, endpoint));
    if (index < 0) return undefined;
    const [removed] = this.#recorded.splice(index, 1);
    if (removed) this.#bytes -= sizeOf(removed);
    return removed;
  }

  /** Waits for the next request to an endpoint. @returns undefined after the time, when the signal aborts, or on `close` */
  wait(endpoint: Endpoint | undefined, milliseconds: number, signal?: AbortSignal): Promise<RawRequest | undefined> {
    return new Promise((resolve) => {
      const cancel = () => waiter.take(undefined);
      const timer = setTimeout(cancel, milliseconds);
      const waiter: Waiter = {
        endpoint,
        take: (request) => {
          this.#waiters.delete(waiter);
          clearTimeout(timer);
          signal?.removeEventListener('abort', cancel);
          resolve(request);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', cancel);
    });
  }

  clear(): void {
    this.#recorded = [];
    this.#bytes = 0;
    this.#clears += 1;
  }

  /** Ends every `wait`. */
  close(): void {
    for (const waiter of this.#waiters) waiter.take(undefined);
  }
}

function matches(request: RawRequest, endpoint: Endpoint | undefined): boolean {
  return endpoint === undefined || request.endpoint === endpoint;
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

import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { checkInput } from '../input_error.ts';
import { endpointSchema } from './identify_request.ts';
import {
  parseRequest,
  type RawRequest,
  type RecordedRequest,
  rawRequest,
  serverSchema,
  sizeOf,
} from './recorded_request.ts';
import { redact } from './redact.ts';

/** The latest requests are kept, up to this number and this many bytes. */
const MAX_REQUESTS = 500;
const MAX_BYTES = 8 * 1024 * 1024;

/** Which requests, for the control API. */
export const requestFields = z.strictObject({
  server: serverSchema.optional().describe('Only requests to this server.'),
  endpoint: endpointSchema.optional().describe('Only requests to this endpoint of the authorization server.'),
  api: z.string().min(1).optional().describe('Only calls of the API with this resource indicator.'),
  method: z.string().min(1).optional().describe('Only requests with this method.'),
  path: z.string().min(1).optional().describe('Only requests for this path.'),
  secrets: z.boolean().default(false).describe('Show secrets, tokens, codes, cookies and bodies.'),
});

export const timeoutSchema = z
  .int()
  .min(0)
  .max(60_000)
  .default(0)
  .describe('Maximum time to wait for a request, in milliseconds.');

const where = z
  .custom<(request: RecordedRequest) => boolean>((value) => typeof value === 'function', {
    error: 'expected a function',
  })
  .optional();

const requestFilter = requestFields.extend({ where });
const nextRequestFilter = requestFilter.extend({ timeout: timeoutSchema });

/** Which requests. `where` gets each request with its secrets. */
export type RequestFilter = z.input<typeof requestFilter>;
export type NextRequestFilter = z.input<typeof nextRequestFilter>;

/** Requests that servers answered, in the order of the answers. Secrets and tokens are redacted by default. */
export interface RecordedRequests {
  /** @throws {InputError} */
  list(filter?: RequestFilter): RecordedRequest[];
  /**
   * Removes the oldest matching request, or waits for one.
   *
   * @param signal stops waiting
   * @returns undefined if none was answered in time
   * @throws {InputError}
   */
  takeNext(filter?: NextRequestFilter, signal?: AbortSignal): Promise<RecordedRequest | undefined>;
  clear(): void;
}

export interface RequestRecorder extends RecordedRequests {
  /** Records a request when its answer is complete, with the part of its body that was read by then. */
  record(request: AnsweredRequest): void;
  /** Ends every pending `takeNext`. */
  close(): void;
}

export interface AnsweredRequest extends Pick<RawRequest, 'server' | 'endpoint' | 'api'> {
  readonly request: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>;
  readonly response: ServerResponse;
  /** The body that was read until the answer. */
  readonly bodySoFar: () => Buffer | undefined;
}

/** Whether a caller wants a request. */
type Wants = (request: RawRequest) => boolean;

interface Waiter {
  readonly wants: Wants;
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
      const { secrets, ...wanted } = checkInput(requestFilter, filter);
      return queue.list(wantsOf(wanted)).map((request) => show(request, secrets));
    },
    async takeNext(filter = {}, signal) {
      const { secrets, timeout, ...wanted } = checkInput(nextRequestFilter, filter);
      const wants = wantsOf(wanted);
      const found = queue.take(wants) ?? (await queue.wait(wants, timeout, signal));
      return found && show(found, secrets);
    },
    clear: () => queue.clear(),
    record({ request, response, bodySoFar, ...at }) {
      const received = rawRequest(request, { ...at, time: now() });
      const clearsBefore = queue.clears;
      whenAnswered(response, (status) => {
        if (queue.clears === clearsBefore) queue.add({ ...received, body: bodySoFar(), status });
      });
    },
    close: () => queue.close(),
  };
}

function wantsOf({ where, path, ...exact }: Omit<z.output<typeof requestFilter>, 'secrets'>): Wants {
  const expected = Object.entries(exact).filter(([, value]) => value !== undefined);
  return (request) =>
    expected.every(([name, value]) => Reflect.get(request, name) === value) &&
    (path === undefined || request.target.split('?', 1)[0] === path) &&
    (where === undefined || where(parseRequest(request)));
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

  list(wants: Wants): RawRequest[] {
    return this.#recorded.filter(wants);
  }

  /** Passes a request to a waiting caller, or keeps it. */
  add(request: RawRequest): void {
    const waiting = [...this.#waiters].find(({ wants }) => wants(request));
    if (waiting) return void waiting.take(request);
    this.#recorded.push(request);
    this.#bytes += sizeOf(request);
    while (this.#recorded.length > MAX_REQUESTS || this.#bytes > MAX_BYTES) this.take();
  }

  /** Removes the oldest request that is wanted. */
  take(wants: Wants = () => true): RawRequest | undefined {
    const index = this.#recorded.findIndex(wants);
    if (index < 0) return undefined;
    const [removed] = this.#recorded.splice(index, 1);
    if (removed) this.#bytes -= sizeOf(removed);
    return removed;
  }

  /** Waits for the next request that is wanted. @returns undefined after the time, when the signal aborts, or on `close` */
  wait(wants: Wants, milliseconds: number, signal?: AbortSignal): Promise<RawRequest | undefined> {
    return new Promise((resolve) => {
      const cancel = () => waiter.take(undefined);
      const timer = setTimeout(cancel, milliseconds);
      const waiter: Waiter = {
        wants,
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

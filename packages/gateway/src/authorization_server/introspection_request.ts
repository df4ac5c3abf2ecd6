import { mediaTypeOf, readBody } from '@tallystick/common';
import {
  InvalidValidatorResponseError,
  ValidationUnavailableError,
  ValidatorRefusedError,
} from '@tallystick/resource-server';
import type { IntrospectionMediaType } from '../config/issuer_config.ts';
import { causeCode } from '../http/errors.ts';
import type { CallTarget, CallTrace, RequestTrace } from '../tracing/request_trace.ts';
import type { AuthenticateClient } from './client_authentication.ts';

export interface IntrospectionRequestOptions {
  readonly endpoint: string;
  readonly accept: IntrospectionMediaType;
}

export interface IntrospectionRequestDependencies {
  readonly authenticate: AuthenticateClient;
  readonly fetch: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What the introspection endpoint answered. Nothing of it is believed yet. */
export interface IntrospectionResponse {
  /** The one that it was asked for; or JSON instead of a JWT, as Keycloak answers. */
  readonly mediaType: IntrospectionMediaType;
  readonly body: string;
  readonly cacheControl: string | null;
}

/**
 * Asks an introspection endpoint about a token (RFC 7662 section 2.1).
 *
 * @param signal ends all of it, the second try included
 * @param trace of the request for which it is asked; each try has a span of its own
 * @returns undefined for 204, which says that the token is not active
 * @throws {AuthorizationServerDownError} when it is down
 * @throws {ValidationUnavailableError} when it fails
 * @throws {InvalidValidatorResponseError} for an answer that cannot be understood
 * @throws {ValidatorRefusedError} when the gateway's own credentials are refused
 */
export type RequestIntrospection = (
  token: string,
  signal: AbortSignal,
  trace: RequestTrace | undefined,
) => Promise<IntrospectionResponse | undefined>;

/**
 * The authorization server cannot be reached, is too slow, or says itself that it cannot serve. It is nothing that one token
 * could bring about, and so the only failure that counts for the circuit breaker.
 */
export class AuthorizationServerDownError extends ValidationUnavailableError {
  /** Whether asking once more can neither do harm nor be unwelcome. */
  readonly mayRetry: boolean;

  constructor(description: string, options: { retryAfter?: number; cause?: unknown; mayRetry?: boolean } = {}) {
    super(description, options);
    this.mayRetry = options.mayRetry ?? false;
  }
}

/** The largest answer that is read, in bytes. */
const maximumBytes = 1024 * 1024;

/** The longest wait, in seconds, that is passed on to clients. */
const longestRetryAfter = 300;

/** The connection was refused or ended before there was an answer, as a kept connection does that the other side gave up. */
const connectionFailures = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

export function createRequestIntrospection(
  { endpoint, accept }: IntrospectionRequestOptions,
  dependencies: IntrospectionRequestDependencies,
): RequestIntrospection {
  const { authenticate, fetch, now } = dependencies;
  const target = callTarget(endpoint);
  const understood = accept === 'application/jwt' ? ([accept, 'application/json'] as const) : [accept];

  async function ask(
    token: string,
    signal: AbortSignal,
    startCall: () => CallTrace | undefined,
  ): Promise<IntrospectionResponse | undefined> {
    const { headers, parameters } = await authenticate();
    const call = startCall();
    const init = {
      method: 'POST',
      headers: { ...headers, ...call?.headers, Accept: accept, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token', ...parameters }).toString(),
      redirect: 'manual',
      signal,
    } as const;
    const response = await fetch(endpoint, init).catch((cause: unknown) => {
      const code = causeCode(cause);
      call?.failed(code);
      const mayRetry = connectionFailures.has(code ?? '');
      throw new AuthorizationServerDownError('the authorization server could not be reached', { cause, mayRetry });
    });
    call?.answered(response.status);
    const mediaType = understood.find((type) => type === mediaTypeOf(response.headers.get('content-type')));
    if (response.status === 200 && mediaType !== undefined) {
      return { body: await readText(response), mediaType, cacheControl: response.headers.get('cache-control') };
    }
    await response.body?.cancel();
    if (response.status === 204) return undefined;
    throw failureOf(response, now());
  }

  return async (token, signal, trace) => {
    try {
      return await ask(token, signal, () => trace?.call(target));
    } catch (error) {
      // Introspection changes nothing at the authorization server, so that asking twice is safe where there was no answer.
      if (!(error instanceof AuthorizationServerDownError) || !error.mayRetry || signal.aborted) throw error;
      return ask(token, signal, () => trace?.call({ ...target, resendCount: 1 }));
    }
  };
}

function callTarget(endpoint: string): CallTarget {
  const { protocol, hostname, port, pathname } = new URL(endpoint);
  const usualPort = protocol === 'https:' ? 443 : 80;
  return { method: 'POST', hostname, port: port === '' ? usualPort : Number(port), endpoint: pathname };
}

async function readText(response: Response): Promise<string> {
  const body = await readBody(response.body, maximumBytes).catch((cause: unknown) => {
    throw new AuthorizationServerDownError('the authorization server broke off its answer', { cause });
  });
  if (body === undefined) throw new InvalidValidatorResponseError('the authorization server answered with too much');
  return body.toString();
}

/**
 * What an answer means that is none. One that is not understood now will not be later: a wrong media type, a redirect, 404. A server that says 503 asks for less, not for more of the same; 502 and 504 come from
 * what stands before it, and the next request may find another server.
 */
function failureOf(response: Response, time: number): Error {
  const { status, headers } = response;
  const description = `the authorization server answered with status ${status}`;
  switch (status) {
    case 200:
      return new InvalidValidatorResponseError('the authorization server did not answer with what it was asked for');
    case 401:
    case 403:
      return new ValidatorRefusedError("the authorization server refused the gateway's credentials");
    case 429:
    case 503:
      return new AuthorizationServerDownError(description, { retryAfter: readRetryAfter(headers, time) });
    case 502:
    case 504:
      return new AuthorizationServerDownError(description, { mayRetry: true });
    case 408:
    case 425:
      return new ValidationUnavailableError(description);
    default:
      return status >= 500
        ? new ValidationUnavailableError(description)
        : new InvalidValidatorResponseError(description);
  }
}

/** RFC 9110 section 10.2.3: seconds or a date. @returns seconds, 1 when it does not say */
function readRetryAfter(headers: Headers, time: number): number {
  const text = headers.get('retry-after')?.trim() ?? '';
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - time) / 1000);
  return Math.min(longestRetryAfter, Math.max(1, Number.isNaN(seconds) ? 1 : seconds));
}

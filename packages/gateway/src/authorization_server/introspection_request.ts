import { mediaTypeOf, readBody, readTokenProblem, TOKEN_PROBLEM_HEADER, type TokenProblem } from '@tallystick/common';
import {
  InvalidValidatorResponseError,
  ValidationUnavailableError,
  ValidatorRefusedError,
} from '@tallystick/resource-server';
import type { IntrospectionMediaType } from '../config/introspection.ts';
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

/** The response of the introspection endpoint. Its body is not validated yet. */
export interface IntrospectionResponse {
  /** The requested one, or JSON instead of a JWT, as Keycloak answers. */
  readonly mediaType: IntrospectionMediaType;
  readonly body: string;
  readonly cacheControl: string | null;
  /** Why the token is not active, if the authorization server says. */
  readonly problem: TokenProblem | undefined;
}

/** The response for a token that is not active: 204. */
export type InactiveResponse = Pick<IntrospectionResponse, 'problem'> & { readonly body?: undefined };

/**
 * Sends an introspection request (RFC 7662 section 2.1), and retries it once if the connection fails.
 *
 * @param signal ends the request and its retry
 * @param trace of the client's request; each attempt has its own span
 * @throws {AuthorizationServerDownError} when the authorization server is down
 * @throws {ValidationUnavailableError} when the authorization server fails
 * @throws {InvalidValidatorResponseError} for any other response
 * @throws {ValidatorRefusedError} when the gateway's own credentials are refused
 */
export type RequestIntrospection = (
  token: string,
  signal: AbortSignal,
  trace: RequestTrace | undefined,
) => Promise<IntrospectionResponse | InactiveResponse>;

/**
 * The authorization server cannot be reached, is too slow, or says that it is unavailable. No single token can cause that, so this is
 * the only failure that counts for the circuit breaker.
 */
export class AuthorizationServerDownError extends ValidationUnavailableError {
  /** Whether a retry is safe, and does not add to an overload. */
  readonly mayRetry: boolean;

  constructor(description: string, options: { retryAfter?: number; cause?: unknown; mayRetry?: boolean } = {}) {
    super(description, options);
    this.mayRetry = options.mayRetry ?? false;
  }
}

/** Maximum size of a response body, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** Maximum `Retry-After` that is passed on to clients, in seconds. */
const MAX_RETRY_AFTER = 300;

/** The connection was refused, or ended before the response, as an idle connection does that the server has closed. */
const connectionFailures = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

export function createRequestIntrospection(
  { endpoint, accept }: IntrospectionRequestOptions,
  dependencies: IntrospectionRequestDependencies,
): RequestIntrospection {
  const { authenticate, fetch, now } = dependencies;
  const target = callTarget(endpoint);
  const accepted = accept === 'application/jwt' ? ([accept, 'application/json'] as const) : [accept];

  async function send(
    token: string,
    signal: AbortSignal,
    startCall: () => CallTrace | undefined,
  ): Promise<IntrospectionResponse | InactiveResponse> {
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
    const mediaType = accepted.find((type) => type === mediaTypeOf(response.headers.get('content-type')));
    const problem = readTokenProblem(response.headers.get(TOKEN_PROBLEM_HEADER));
    if (response.status === 200 && mediaType !== undefined) {
      return {
        body: await readText(response),
        mediaType,
        cacheControl: response.headers.get('cache-control'),
        problem,
      };
    }
    await response.body?.cancel();
    if (response.status === 204) return { problem };
    throw failureOf(response, now());
  }

  return async (token, signal, trace) => {
    try {
      return await send(token, signal, () => trace?.call(target));
    } catch (error) {
      // Introspection changes nothing at the authorization server, so a retry is safe.
      if (!(error instanceof AuthorizationServerDownError) || !error.mayRetry || signal.aborted) throw error;
      return send(token, signal, () => trace?.call({ ...target, resendCount: 1 }));
    }
  };
}

function callTarget(endpoint: string): CallTarget {
  const { protocol, hostname, port, pathname } = new URL(endpoint);
  const defaultPort = protocol === 'https:' ? 443 : 80;
  return { method: 'POST', hostname, port: port === '' ? defaultPort : Number(port), endpoint: pathname };
}

async function readText(response: Response): Promise<string> {
  const body = await readBody(response.body, MAX_BYTES).catch((cause: unknown) => {
    throw new AuthorizationServerDownError('the authorization server ended its answer early', { cause });
  });
  if (body === undefined)
    throw new InvalidValidatorResponseError('the answer of the authorization server is too large');
  return body.toString();
}

/**
 * The error for a response that is not an introspection answer. A wrong media type, a redirect or 404 is permanent. 503 asks for fewer
 * requests, so it is not retried. 502 and 504 come from a proxy in front of the server, which may choose another server for a retry.
 */
function failureOf(response: Response, time: number): Error {
  const { status, headers } = response;
  const description = `the authorization server answered with status ${status}`;
  switch (status) {
    case 200:
      return new InvalidValidatorResponseError('the answer of the authorization server has an unexpected media type');
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

/** RFC 9110 section 10.2.3: seconds or a date. @returns seconds; 1 without a valid header */
function readRetryAfter(headers: Headers, time: number): number {
  const text = headers.get('retry-after')?.trim() ?? '';
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - time) / 1000);
  return Math.min(MAX_RETRY_AFTER, Math.max(1, Number.isNaN(seconds) ? 1 : seconds));
}

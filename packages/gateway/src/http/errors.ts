import type { Log, RequestFault } from '@tallystick/common';
import { ResourceServerError } from '@tallystick/resource-server';

/** Why a gateway refuses a request for other reasons than its access token. `code` is stable. */
export type RequestErrorCode = keyof typeof requestErrorStatus;

const requestErrorStatus = {
  invalid_request: 400,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  content_too_large: 413,
  misdirected_request: 421,
  request_header_fields_too_large: 431,
  not_implemented: 501,
  http_version_not_supported: 505,
  loop_detected: 508,
} as const;

/** The request itself is refused, whoever sent it. */
export class RequestError extends ResourceServerError {
  readonly code: RequestErrorCode;
  readonly status: number;

  constructor(code: RequestErrorCode, description: string) {
    super(description);
    this.code = code;
    this.status = requestErrorStatus[code];
  }
}

/** What is wrong with a request, as an error. */
export function errorOf({ code, description }: RequestFault): RequestError {
  return new RequestError(code, description);
}

const unreachable = 'the API could not be reached';
const brokenOff = 'the API broke off the connection';
const incomprehensible = 'the API answered with something that cannot be passed on';

/** How an upstream can fail: what a client may know of it, and for the log what an operator has to. */
const upstreamFailures = {
  name_unknown: { told: unreachable, detail: 'the name of the upstream could not be resolved' },
  connection_refused: { told: unreachable, detail: 'the upstream refused the connection' },
  unreachable: { told: unreachable, detail: 'there is no way to the upstream' },
  out_of_sockets: { told: unreachable, detail: 'the gateway has no socket or file left for a connection' },
  certificate_untrusted: { told: unreachable, detail: 'the certificate of the upstream is not trusted' },
  tls_failed: { told: unreachable, detail: 'the TLS handshake with the upstream failed' },
  connection_failed: { told: unreachable, detail: 'the connection to the upstream failed' },
  connection_reset: { told: brokenOff, detail: 'the upstream closed the connection before it answered' },
  response_broken_off: { told: brokenOff, detail: 'the upstream broke off its response' },
  head_too_large: {
    told: incomprehensible,
    detail: "the upstream's response headers are larger than limits.maxResponseHeaderBytes",
  },
  malformed_response: { told: incomprehensible, detail: 'the upstream answered with something that is not HTTP/1.1' },
  unexpected_upgrade: { told: incomprehensible, detail: 'the upstream changed to a protocol that nobody asked for' },
  connect_timeout: { told: 'the API could not be reached in time', detail: 'no connection to the upstream in time' },
  response_timeout: { told: 'the API did not answer in time', detail: 'the upstream did not begin to answer in time' },
} as const;

/** Why an upstream failed. Stable: for log and metrics. */
export type UpstreamFailure = keyof typeof upstreamFailures;

/** The API's server failed. A client is told no more than whether it could be reached, broke off or said nothing that makes sense. */
export abstract class UpstreamError extends ResourceServerError {
  readonly failure: UpstreamFailure;
  /** One sentence for the log. */
  readonly detail: string;

  constructor(failure: UpstreamFailure, options: { cause?: unknown } = {}) {
    const { told, detail } = upstreamFailures[failure];
    super(told, options);
    this.failure = failure;
    this.detail = detail;
  }
}

/** The API's server refused the connection, broke it off, or answered with something that cannot be passed on. */
export class UpstreamFailedError extends UpstreamError {
  readonly code = 'bad_gateway';
  readonly status = 502;
}

/** The API's server did not answer in time. */
export class UpstreamTimeoutError extends UpstreamError {
  readonly code = 'gateway_timeout';
  readonly status = 504;
}

/** A token is too long for the cookies of a browser. No second try makes it shorter. */
export class TokenTooLongError extends ResourceServerError {
  readonly code = 'token_too_long';
  readonly status = 500;
}

/** A fault in the gateway. */
class InternalError extends ResourceServerError {
  readonly code = 'server_error';
  readonly status = 500;
}

/**
 * What was thrown on the walk, as the client gets to know it. What nobody expected is logged by its name and where it came from;
 * not by its message, which may hold anything.
 *
 * @param traceId of the request, where requests are traced
 */
export function toRefusal(thrown: unknown, log: Log, traceId?: string): ResourceServerError {
  if (thrown instanceof ResourceServerError) return thrown;
  const { name, code, stack = '' } = thrown as NodeJS.ErrnoException;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  log.error({ name, code, frames, trace_id: traceId }, 'a fault in the gateway');
  return new InternalError('the gateway failed', { cause: thrown });
}

/** The `code` at the bottom of an error, such as `ECONNREFUSED`; for the log. */
export function causeCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { cause, code, name } = error as NodeJS.ErrnoException;
  return causeCode(cause) ?? (typeof code === 'string' ? code : name === 'TimeoutError' ? name : undefined);
}

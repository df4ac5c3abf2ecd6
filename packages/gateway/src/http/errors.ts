import type { Log, RequestFault } from '@tallystick/common';
import { ResourceServerError } from '@tallystick/resource-server';

/** Why the gateway refuses a request, apart from its access token. The codes are stable. */
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

/** Refuses a request for reasons other than its access token. */
export class RequestError extends ResourceServerError {
  readonly code: RequestErrorCode;
  readonly status: number;

  constructor(code: RequestErrorCode, description: string) {
    super(description);
    this.code = code;
    this.status = requestErrorStatus[code];
  }
}

/** Converts a fault of a request into an error. */
export function toRequestError({ code, description }: RequestFault): RequestError {
  return new RequestError(code, description);
}

const unreachable = 'the API could not be reached';
const brokenOff = 'the API broke off the connection';
const incomprehensible = 'the API answered with something that cannot be passed on';

/** How an upstream can fail: the description for the client, and the details for the log. */
const upstreamFailures = {
  name_unknown: { description: unreachable, detail: 'the host name of the upstream could not be resolved' },
  connection_refused: { description: unreachable, detail: 'the upstream refused the connection' },
  unreachable: { description: unreachable, detail: 'there is no network route to the upstream' },
  out_of_sockets: {
    description: unreachable,
    detail: 'the gateway has no socket or file descriptor left for a connection',
  },
  certificate_untrusted: { description: unreachable, detail: 'the certificate of the upstream is not trusted' },
  tls_failed: { description: unreachable, detail: 'the TLS handshake with the upstream failed' },
  connection_failed: { description: unreachable, detail: 'the connection to the upstream failed' },
  connection_reset: { description: brokenOff, detail: 'the upstream closed the connection before it answered' },
  response_broken_off: { description: brokenOff, detail: 'the upstream broke off its response' },
  head_too_large: {
    description: incomprehensible,
    detail: "the upstream's response headers are larger than limits.maxResponseHeaderBytes",
  },
  malformed_response: {
    description: incomprehensible,
    detail: 'the upstream answered with something that is not HTTP/1.1',
  },
  unexpected_upgrade: {
    description: incomprehensible,
    detail: 'the upstream switched to a protocol that the request did not ask for',
  },
  connect_timeout: {
    description: 'the API could not be reached in time',
    detail: 'the connection to the upstream was not established in time',
  },
  response_timeout: {
    description: 'the API did not answer in time',
    detail: 'the upstream did not begin to answer in time',
  },
} as const;

/** Why an upstream failed, for log and metrics. The names are stable. */
export type UpstreamFailure = keyof typeof upstreamFailures;

/** The upstream failed. The description for the client does not go into details. */
export abstract class UpstreamError extends ResourceServerError {
  readonly failure: UpstreamFailure;
  /** One sentence for the log. */
  readonly detail: string;

  constructor(failure: UpstreamFailure, options: { cause?: unknown } = {}) {
    const { description, detail } = upstreamFailures[failure];
    super(description, options);
    this.failure = failure;
    this.detail = detail;
  }
}

/** The upstream refused the connection, broke it off, or sent a response that cannot be passed on. */
export class UpstreamFailedError extends UpstreamError {
  readonly code = 'bad_gateway';
  readonly status = 502;
}

/** The upstream did not answer in time. */
export class UpstreamTimeoutError extends UpstreamError {
  readonly code = 'gateway_timeout';
  readonly status = 504;
}

/** A token is too long for the cookies of a browser. A retry would not help. */
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
 * Converts a thrown value into the error for the client. An unexpected error is logged with its name and stack frames, but not with its
 * message, which may contain anything.
 *
 * @param traceId the trace id of the request, if requests are traced
 */
export function toRefusal(thrown: unknown, log: Log, traceId?: string): ResourceServerError {
  if (thrown instanceof ResourceServerError) return thrown;
  const { name, code, stack = '' } = thrown as NodeJS.ErrnoException;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  log.error({ name, code, frames, trace_id: traceId }, 'internal error in the gateway');
  return new InternalError('the gateway failed', { cause: thrown });
}

/** The `code` of the innermost cause of an error, such as `ECONNREFUSED`; for the log. */
export function causeCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { cause, code, name } = error as NodeJS.ErrnoException;
  return causeCode(cause) ?? (typeof code === 'string' ? code : name === 'TimeoutError' ? name : undefined);
}

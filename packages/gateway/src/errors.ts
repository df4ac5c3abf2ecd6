import type { RequestFault } from '@tallystick/common';
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
  request_header_fields_too_large: 431,
  not_implemented: 501,
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

/** The API's server refused the connection, broke it off, or answered with something that is not HTTP. */
export class UpstreamFailedError extends ResourceServerError {
  readonly code = 'bad_gateway';
  readonly status = 502;
}

/** The API's server did not answer in time. */
export class UpstreamTimeoutError extends ResourceServerError {
  readonly code = 'gateway_timeout';
  readonly status = 504;
}

/** A token is too long for the cookies of a browser. No second try makes it shorter. */
export class TokenTooLongError extends ResourceServerError {
  readonly code = 'token_too_long';
  readonly status = 500;
}

/** A fault in the gateway. */
export class InternalError extends ResourceServerError {
  readonly code = 'server_error';
  readonly status = 500;
}

import type { TokenProblem } from '@tallystick/common';

/** The base of all errors that this package throws on purpose. Any other error is a fault in the program. */
export abstract class ResourceServerError extends Error {
  /** A stable name of the problem. For {@link AccessTokenError}: the error code of RFC 6750 section 3.1. */
  abstract readonly code: string;
  /** The HTTP status of the response. */
  abstract readonly status: number;
  /** One sentence for the client. It contains no token, no text that the client sent, and no internal address. */
  readonly description: string;

  constructor(description: string, options: { cause?: unknown } = {}) {
    super(description, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.description = description;
  }
}

const accessTokenErrorStatus = {
  missing_token: 401,
  invalid_request: 400,
  invalid_token: 401,
  invalid_dpop_proof: 401,
  use_dpop_nonce: 401,
  insufficient_scope: 403,
} as const;

/** RFC 6750 section 3.1; for DPoP proofs RFC 9449 sections 7.1 and 9; `missing_token` for a request without credentials. */
export type AccessTokenErrorCode = keyof typeof accessTokenErrorStatus;

/**
 * Refuses a request because of its access token (RFC 6750 section 3.1) or its DPoP proof (RFC 9449).
 *
 * @example
 * ```ts
 * throw new AccessTokenError('insufficient_scope', 'the request needs more scopes', { scope: ['write'] });
 * ```
 */
export class AccessTokenError extends ResourceServerError {
  readonly code: AccessTokenErrorCode;
  readonly status: 400 | 401 | 403;
  /** All scopes that the request needs; only with `insufficient_scope`. */
  readonly scope?: readonly string[];
  /** The nonce for the next proof (RFC 9449 section 9); only with `use_dpop_nonce`. */
  readonly dpopNonce?: string;
  /** What is wrong with the token, for logs. The client does not get it. Undefined if it is not known. */
  readonly problem?: TokenProblem;

  constructor(
    code: AccessTokenErrorCode,
    description: string,
    options: {
      scope?: readonly string[];
      dpopNonce?: string;
      problem?: TokenProblem | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(description, options);
    this.code = code;
    this.status = accessTokenErrorStatus[code];
    if (options.scope !== undefined) this.scope = options.scope;
    if (options.dpopNonce !== undefined) this.dpopNonce = options.dpopNonce;
    if (options.problem !== undefined) this.problem = options.problem;
  }
}

/**
 * The token could not be validated: the JWKS or the introspection endpoint is unreachable, slow or failing. This is not a
 * verdict on the token, so it is never a 401.
 */
export class ValidationUnavailableError extends ResourceServerError {
  readonly code = 'temporarily_unavailable';
  readonly status = 503;
  /** Seconds until a retry makes sense (`Retry-After`, RFC 9110 section 10.2.3). */
  readonly retryAfter: number;

  constructor(description: string, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(description, options);
    this.retryAfter = options.retryAfter ?? 1;
  }
}

/** The introspection endpoint refused the credentials of this API (RFC 7662 section 2.3). The caller is not to blame. */
export class ValidatorRefusedError extends ResourceServerError {
  readonly code = 'validator_refused';
  readonly status = 502;
}

/**
 * The introspection endpoint gave an answer that cannot be used: HTML, a malformed member, a JWT of another issuer, a 404. A
 * retry would get the same. This is not a verdict on the token, so it is never a 401.
 */
export class InvalidValidatorResponseError extends ResourceServerError {
  readonly code = 'invalid_validator_response';
  readonly status = 502;
}

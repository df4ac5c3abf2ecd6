/** Base of every error this package throws on purpose. Anything else that escapes is a fault in the program. */
export abstract class ResourceServerError extends Error {
  /** Stable name of what went wrong; for {@link AccessTokenError} the RFC 6750 section 3.1 error code. */
  abstract readonly code: string;
  /** The HTTP status that answers the request. */
  abstract readonly status: number;
  /** One sentence that may be shown to the client: no token, no text the client sent, no internal address. */
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

/**
 * RFC 6750 section 3.1, RFC 9449 sections 7.1 and 9 for the proof that came with the token, and `missing_token` for a request
 * that carried no credentials at all.
 */
export type AccessTokenErrorCode = keyof typeof accessTokenErrorStatus;

/**
 * The request is refused because of its access token (RFC 6750 section 3.1), or of the proof that came with it (RFC 9449).
 *
 * @example
 * ```ts
 * throw new AccessTokenError('insufficient_scope', 'the request needs more scopes', { scope: ['write'] });
 * ```
 */
export class AccessTokenError extends ResourceServerError {
  readonly code: AccessTokenErrorCode;
  readonly status: 400 | 401 | 403;
  /** All scopes the request needs; only with `insufficient_scope`. */
  readonly scope?: readonly string[];
  /** What the next proof is to carry (RFC 9449 section 9); only with `use_dpop_nonce`. */
  readonly dpopNonce?: string;

  constructor(
    code: AccessTokenErrorCode,
    description: string,
    options: { scope?: readonly string[]; dpopNonce?: string; cause?: unknown } = {},
  ) {
    super(description, options);
    this.code = code;
    this.status = accessTokenErrorStatus[code];
    if (options.scope !== undefined) this.scope = options.scope;
    if (options.dpopNonce !== undefined) this.dpopNonce = options.dpopNonce;
  }
}

/**
 * Whether the token is good could not be found out: the JWKS or the introspection endpoint is unreachable, slow, failing or
 * answering garbage. Never a verdict on the token, so never a 401.
 */
export class ValidationUnavailableError extends ResourceServerError {
  readonly code = 'temporarily_unavailable';
  readonly status = 503;
  /** Seconds after which trying again makes sense (RFC 9110 section 10.2.3). */
  readonly retryAfter: number;

  constructor(description: string, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(description, options);
    this.retryAfter = options.retryAfter ?? 1;
  }
}

/** The introspection endpoint refused our own client credentials (RFC 7662 section 2.3): our fault, not the caller's. */
export class ValidatorRefusedError extends ResourceServerError {
  readonly code = 'validator_refused';
  readonly status = 502;
}

/**
 * The introspection endpoint answered, and its answer is none that can be believed: HTML, a malformed member, a JWT of somebody else,
 * a 404. Asking again brings the same. Never a verdict on the token, so never a 401.
 */
export class InvalidValidatorResponseError extends ResourceServerError {
  readonly code = 'invalid_validator_response';
  readonly status = 502;
}

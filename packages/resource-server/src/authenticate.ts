import type { AccessTokenClaims, AccessTokenValidator } from './access_token_claims.ts';
import { requireFunction } from './options.ts';
import { type BearerRequest, readBearerToken } from './read_bearer_token.ts';
import { type RequiredScopes, requireScopes } from './require_scopes.ts';

/** Who may pass. */
export interface AuthenticateOptions {
  readonly validator: AccessTokenValidator;
  /** The scopes that a request of this method needs; none by default. */
  readonly scopes?: ((method: string) => RequiredScopes) | undefined;
}

/** A request that {@link authenticate} can judge; every `http.IncomingMessage` is one. */
export interface AuthenticateRequest extends BearerRequest {
  readonly method?: string | undefined;
}

/** An access token that was accepted. */
export interface AcceptedAccessToken {
  /** As the client sent it: a secret. */
  readonly token: string;
  readonly claims: AccessTokenClaims;
}

/**
 * Reads the request's access token, validates it and checks its scopes (RFC 6750).
 *
 * @throws AccessTokenError, ValidationUnavailableError or ValidatorRefusedError; {@link refusal} makes the answer of them.
 */
export async function authenticate(
  request: AuthenticateRequest,
  options: AuthenticateOptions,
): Promise<AcceptedAccessToken> {
  const { validator, scopes } = options;
  const token = readBearerToken(request);
  const claims = await validator.validate(token);
  if (scopes) requireScopes(claims, scopes(request.method ?? ''));
  return { token, claims };
}

/** @throws TypeError for options that would let the middleware fail, or pass everyone, at the first request. */
export function requireAuthenticateOptions({ validator, scopes }: AuthenticateOptions): void {
  requireFunction('validator.validate', validator?.validate);
  if (scopes !== undefined) requireFunction('scopes', scopes);
}

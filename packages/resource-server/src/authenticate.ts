import type { AccessTokenClaims, AccessTokenValidator } from './access_token_claims.ts';
import type { ChallengeOptions } from './challenge.ts';
import { requireFunction } from './options.ts';
import { type CredentialsRequest, presentedScheme, readAccessToken } from './read_access_token.ts';
import { type RequiredScopes, requireScopes } from './require_scopes.ts';
import { createSenderConstraint, type SenderConstraint } from './sender_constraint.ts';

/** Options of {@link authenticate}. */
export interface AuthenticateOptions<Request extends AuthenticateRequest = AuthenticateRequest> {
  readonly validator: AccessTokenValidator;
  /** The scopes that a request with this method needs. Default: none. */
  readonly scopes?: ((method: string) => RequiredScopes) | undefined;
  /**
   * How to check a token that is bound to a key: {@link createSenderConstraint}, or {@link checkedAtTheGateway}. By default
   * such a token is refused, because accepting it as a bearer token would let a thief use it.
   */
  readonly senderConstraint?: SenderConstraint<Request> | undefined;
}

/** The part of a request that {@link authenticate} reads; every `http.IncomingMessage` fits. */
export interface AuthenticateRequest extends CredentialsRequest {
  readonly method?: string | undefined;
}

/** An access token that was accepted. */
export interface AcceptedAccessToken {
  /** As the client sent it. This is a secret. */
  readonly token: string;
  readonly claims: AccessTokenClaims;
  /** The value for the `DPoP-Nonce` header of the response, if the client needs a new nonce (RFC 9449 section 8.2). */
  readonly dpopNonce?: string;
}

const bearerTokensOnly: SenderConstraint<AuthenticateRequest> = createSenderConstraint({});

/**
 * Reads the access token of a request, validates it, and checks its binding to a key and its scopes (RFC 6750, RFC 9449,
 * RFC 8705).
 *
 * @throws AccessTokenError, ValidationUnavailableError or ValidatorRefusedError; {@link refusal} turns them into a response
 */
export async function authenticate<Request extends AuthenticateRequest>(
  request: Request,
  options: AuthenticateOptions<Request>,
): Promise<AcceptedAccessToken> {
  const { validator, scopes, senderConstraint = bearerTokensOnly } = options;
  const presented = readAccessToken(request, senderConstraint.schemes);
  const { token } = presented;
  const claims = await validator.validate(token);
  const dpopNonce = await senderConstraint.check(request, presented, claims);
  if (scopes) requireScopes(claims, scopes(request.method ?? ''));
  return dpopNonce === undefined ? { token, claims } : { token, claims, dpopNonce };
}

/** The part of a challenge that names the authentication schemes. */
export function challengeSchemes(
  request: AuthenticateRequest,
  senderConstraint: Pick<SenderConstraint<never>, 'schemes' | 'algorithms'> = bearerTokensOnly,
): Pick<ChallengeOptions, 'schemes' | 'algorithms' | 'presented'> {
  const { schemes, algorithms } = senderConstraint;
  return { schemes, algorithms, presented: presentedScheme(request) };
}

/** @throws TypeError for options with which the middleware would fail, or let every request pass. */
export function requireAuthenticateOptions(options: AuthenticateOptions<never>): void {
  const { validator, scopes, senderConstraint } = options;
  requireFunction('validator.validate', validator?.validate);
  if (scopes !== undefined) requireFunction('scopes', scopes);
  if (senderConstraint !== undefined) requireFunction('senderConstraint.check', senderConstraint.check);
}

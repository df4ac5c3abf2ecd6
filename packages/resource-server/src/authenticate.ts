import type { AccessTokenClaims, AccessTokenValidator } from './access_token_claims.ts';
import type { ChallengeOptions } from './challenge.ts';
import { requireFunction } from './options.ts';
import { type CredentialsRequest, presentedScheme, readAccessToken } from './read_access_token.ts';
import { type RequiredScopes, requireScopes } from './require_scopes.ts';
import { createSenderConstraint, type SenderConstraint } from './sender_constraint.ts';

/** Who may pass. */
export interface AuthenticateOptions<Request extends AuthenticateRequest = AuthenticateRequest> {
  readonly validator: AccessTokenValidator;
  /** The scopes that a request of this method needs; none by default. */
  readonly scopes?: ((method: string) => RequiredScopes) | undefined;
  /**
   * How a token that is bound to a key is checked: {@link createSenderConstraint}, or {@link checkedAtTheGateway}. By default
   * such a token is refused: as a bearer token it would be worth what a stolen one is.
   */
  readonly senderConstraint?: SenderConstraint<Request> | undefined;
}

/** A request that {@link authenticate} can judge; every `http.IncomingMessage` is one. */
export interface AuthenticateRequest extends CredentialsRequest {
  readonly method?: string | undefined;
}

/** An access token that was accepted. */
export interface AcceptedAccessToken {
  /** As the client sent it: a secret. */
  readonly token: string;
  readonly claims: AccessTokenClaims;
  /** To be answered as `DPoP-Nonce`, if there is one (RFC 9449 section 8.2). */
  readonly dpopNonce?: string;
}

const bearerTokensOnly: SenderConstraint<AuthenticateRequest> = createSenderConstraint({});

/**
 * Reads the request's access token, validates it, checks that it comes from whom it is bound to, and its scopes (RFC 6750,
 * RFC 9449, RFC 8705).
 *
 * @throws AccessTokenError, ValidationUnavailableError or ValidatorRefusedError; {@link refusal} makes the answer of them.
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

/** What the challenge to a refused request says of the ways to present a token. */
export function challengeSchemes(
  request: AuthenticateRequest,
  senderConstraint: Pick<SenderConstraint<never>, 'schemes' | 'algorithms'> = bearerTokensOnly,
): Pick<ChallengeOptions, 'schemes' | 'algorithms' | 'presented'> {
  const { schemes, algorithms } = senderConstraint;
  return { schemes, algorithms, presented: presentedScheme(request) };
}

/** @throws TypeError for options that would let the middleware fail, or pass everyone, at the first request. */
export function requireAuthenticateOptions(options: AuthenticateOptions<never>): void {
  const { validator, scopes, senderConstraint } = options;
  requireFunction('validator.validate', validator?.validate);
  if (scopes !== undefined) requireFunction('scopes', scopes);
  if (senderConstraint !== undefined) requireFunction('senderConstraint.check', senderConstraint.check);
}

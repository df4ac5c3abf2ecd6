import {
  type AcceptedAccessToken,
  type AuthenticateOptions,
  type AuthenticateRequest,
  authenticate,
  challengeSchemes,
  requireAuthenticateOptions,
} from './authenticate.ts';
import type { ChallengeOptions } from './challenge.ts';
import { type Refusal, refusal } from './refusal.ts';

/** Options of a middleware, for every framework. */
export type ProtectOptions<Request extends AuthenticateRequest = AuthenticateRequest> = AuthenticateOptions<Request> &
  ChallengeOptions;

/** What the middleware of a framework does with a request: pass it on with the token, or send the refusal. */
export type Outcome =
  | {
      readonly accepted: AcceptedAccessToken;
      /** For the response of the API. */
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly refused: Refusal };

/**
 * The part of a middleware that is the same in every framework.
 *
 * @throws TypeError for an option of the wrong type
 * @returns rejects with an error that is none of this package, such as one of the `scopes` function
 */
export function protect<Request extends AuthenticateRequest>(
  options: ProtectOptions<Request>,
): (request: Request) => Promise<Outcome> {
  const { validator, scopes, senderConstraint, realm, resourceMetadata } = options;
  requireAuthenticateOptions({ validator, scopes, senderConstraint });
  return async (request) => {
    try {
      const accepted = await authenticate(request, { validator, scopes, senderConstraint });
      const { dpopNonce } = accepted;
      return { accepted, headers: dpopNonce === undefined ? {} : { 'DPoP-Nonce': dpopNonce } };
    } catch (error) {
      return { refused: refusal(error, { realm, resourceMetadata, ...challengeSchemes(request, senderConstraint) }) };
    }
  };
}

import { AccessTokenError } from '@tallystick/resource-server';
import { tokenKey } from '@tallystick/token-store';
import * as oidc from 'openid-client';
import { callFailure, type FindClient, isRefusedGrant } from './client.ts';
import type { Session, Tokens } from './session.ts';

/** Milliseconds for which the answer to a refresh serves further requests with the same refresh token. */
const SHARED_FOR = 10_000;

/**
 * Gets new tokens for a session (RFC 6749 section 6).
 *
 * @throws {AccessTokenError} `invalid_token` when the user has to sign in again
 * @throws {ValidationUnavailableError} when the authorization server does not answer
 */
export type Refresh = (session: Session) => Promise<Tokens>;

/**
 * Two tabs of one browser may ask at the same time. A refresh token works once, and its second use would end the grant (RFC
 * 9700 section 4.14), so they share one answer; also one that comes a moment later, with the cookies from before.
 */
export function createRefresh(findClient: FindClient): Refresh {
  const answers = new Map<string, Promise<Tokens>>();

  async function ask(refreshToken: string): Promise<Tokens> {
    const client = await findClient();
    try {
      return await oidc.refreshTokenGrant(client, refreshToken);
    } catch (error) {
      if (isRefusedGrant(error)) throw new AccessTokenError('invalid_token', 'the session has ended', { cause: error });
      throw callFailure(error);
    }
  }

  return ({ refreshToken }) => {
    if (refreshToken === undefined) {
      return Promise.reject(new AccessTokenError('invalid_token', 'the session has no refresh token'));
    }
    const key = tokenKey(refreshToken);
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = ask(refreshToken);
    answers.set(key, answer);
    const forget = () => answers.delete(key);
    answer.then(() => setTimeout(forget, SHARED_FOR).unref(), forget);
    return answer;
  };
}

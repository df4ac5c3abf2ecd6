import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '@tallystick/common';
import { AccessTokenError, ValidationUnavailableError } from '@tallystick/resource-server';
import type { SharedValues } from '@tallystick/token-store';
import * as oidc from 'openid-client';
import { callFailure, type FindClient, isRefusedGrant } from './client.ts';
import type { Session, Tokens } from './session.ts';

/** Seconds for which further requests with the same refresh token get the same outcome. */
const SHARED_FOR = 10;
/** Milliseconds between two checks whether another request has finished its refresh. */
const POLL_INTERVAL = 50;

/**
 * Gets new tokens for a session (RFC 6749 section 6).
 *
 * @throws {AccessTokenError} `invalid_token` when the user has to sign in again
 * @throws {ValidationUnavailableError} when the authorization server or the store does not answer
 */
export type Refresh = (session: Pick<Session, 'refreshToken'>) => Promise<Tokens>;

/** The outcome of a refresh, shared by all gateways for a short time. */
type Outcome =
  | { readonly state: 'pending' }
  | { readonly state: 'answered'; readonly tokens: Tokens }
  | { readonly state: 'refused' };

export interface RefreshDependencies {
  readonly findClient: FindClient;
  /** Shared with the other gateways. Its failures are errors for browsers. */
  readonly shared: SharedValues;
  readonly log: Log;
}

/**
 * Two tabs of one browser may refresh at the same time, at different gateways. A refresh token can be used once, and its second use ends
 * the grant (RFC 9700 section 4.14). So one request uses it, and the others get the same outcome, even a moment later with the old
 * cookies. The request takes a lease for the longest time that a refresh can take. If its gateway dies, another request refreshes when the
 * lease has expired.
 *
 * @param timeout milliseconds for each call to the authorization server
 */
export function createRefresh(timeout: number, { findClient, shared, log }: RefreshDependencies): Refresh {
  // The time for two calls, discovery and the refresh, and for the store.
  const lease = Math.ceil((2 * timeout) / 1000) + 2;
  const maxAttempts = ((lease + 2) * 1000) / POLL_INTERVAL;

  /** This browser gets its tokens even if the outcome cannot be shared. */
  async function tryToShare(sharing: Promise<void>): Promise<void> {
    await sharing.catch((error: Error) =>
      log.warn({ reason: error.message }, 'the outcome of a refresh could not be shared'),
    );
  }

  async function requestTokens(name: string, refreshToken: string): Promise<Tokens> {
    const share = (outcome: Outcome) => tryToShare(shared.put(name, JSON.stringify(outcome), SHARED_FOR));
    try {
      const client = await findClient();
      const { access_token, refresh_token, expires_in } = await oidc.refreshTokenGrant(client, refreshToken);
      const tokens: Tokens = { access_token, refresh_token, expires_in };
      await share({ state: 'answered', tokens });
      return tokens;
    } catch (error) {
      if (isRefusedGrant(error)) {
        await share({ state: 'refused' });
        throw refused(error);
      }
      await tryToShare(shared.remove(name)); // The refresh token was probably not used, so the next request may try.
      throw callFailure(error);
    }
  }

  return async ({ refreshToken }) => {
    if (refreshToken === undefined) throw new AccessTokenError('invalid_token', 'the session has no refresh token');
    const name = `refresh with ${refreshToken}`;
    const pending = JSON.stringify({ state: 'pending' } satisfies Outcome);
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      if (await shared.putIfAbsent(name, pending, lease)) return requestTokens(name, refreshToken);
      const outcome = JSON.parse((await shared.find(name)) ?? pending) as Outcome;
      if (outcome.state === 'answered') return outcome.tokens;
      if (outcome.state === 'refused') throw refused();
      await pause(POLL_INTERVAL);
    }
    throw new ValidationUnavailableError('another request is refreshing this session, and has not finished in time');
  };
}

function refused(cause?: unknown): AccessTokenError {
  return new AccessTokenError('invalid_token', 'the session has ended', { cause });
}

import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '@tallystick/common';
import { AccessTokenError, ValidationUnavailableError } from '@tallystick/resource-server';
import type { SharedValues } from '@tallystick/token-store';
import * as oidc from 'openid-client';
import { callFailure, type FindClient, isRefusedGrant } from './client.ts';
import type { Session, Tokens } from './session.ts';

/** Seconds for which what came of a refresh serves further requests with the same refresh token. */
const SHARED_FOR = 10;
/** Milliseconds between two looks at what came of another's refresh. */
const PAUSE = 50;

/**
 * Gets new tokens for a session (RFC 6749 section 6).
 *
 * @throws {AccessTokenError} `invalid_token` when the user has to sign in again
 * @throws {ValidationUnavailableError} when the authorization server or the store does not answer
 */
export type Refresh = (session: Pick<Session, 'refreshToken'>) => Promise<Tokens>;

/** What is known of a refresh, shared by all gateways while it matters. */
type Outcome =
  | { readonly state: 'asking' }
  | { readonly state: 'answered'; readonly tokens: Tokens }
  | { readonly state: 'refused' };

export interface RefreshDependencies {
  readonly findClient: FindClient;
  /** Knows what other gateways ask. It throws what a browser can be told. */
  readonly shared: SharedValues;
  readonly log: Log;
}

/**
 * Two tabs of one browser may ask at the same time, each another gateway. A refresh token works once, and its second use ends the
 * grant (RFC 9700 section 4.14), so one of them asks and all share what came of it; also one that comes a moment later, with the
 * cookies from before. Whoever asks says so for as long as that can take: when it dies meanwhile, another one asks after that.
 *
 * @param timeout milliseconds for each call to the authorization server
 */
export function createRefresh(timeout: number, { findClient, shared, log }: RefreshDependencies): Refresh {
  // Two calls, one of which is discovery, and what the store takes.
  const lease = Math.ceil((2 * timeout) / 1000) + 2;
  const looks = ((lease + 2) * 1000) / PAUSE;

  /** This browser gets its answer also when the others cannot be told. */
  async function told(telling: Promise<void>): Promise<void> {
    await telling.catch((error: Error) =>
      log.warn({ reason: error.message }, 'what came of a refresh could not be shared'),
    );
  }

  async function ask(name: string, refreshToken: string): Promise<Tokens> {
    const share = (outcome: Outcome) => told(shared.put(name, JSON.stringify(outcome), SHARED_FOR));
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
      await told(shared.remove(name)); // As far as anybody knows, nothing was used up: the next one may ask.
      throw callFailure(error);
    }
  }

  return async ({ refreshToken }) => {
    if (refreshToken === undefined) throw new AccessTokenError('invalid_token', 'the session has no refresh token');
    const name = `refresh with ${refreshToken}`;
    const asking = JSON.stringify({ state: 'asking' } satisfies Outcome);
    for (let look = 0; look < looks; look += 1) {
      if (await shared.putIfAbsent(name, asking, lease)) return ask(name, refreshToken);
      const outcome = JSON.parse((await shared.find(name)) ?? asking) as Outcome;
      if (outcome.state === 'answered') return outcome.tokens;
      if (outcome.state === 'refused') throw refused();
      await pause(PAUSE);
    }
    throw new ValidationUnavailableError('another request for this session gets no answer');
  };
}

function refused(cause?: unknown): AccessTokenError {
  return new AccessTokenError('invalid_token', 'the session has ended', { cause });
}

import type { TokenProblem } from '@tallystick/common';
import { tokenKey } from '@tallystick/token-store';
import type { Provider } from 'oidc-provider';

/** Number of tokens, and of grants, that are remembered. */
const LIMIT = 10_000;

interface RecentToken {
  readonly jti: string;
  /** Epoch seconds. Undefined for a token whose record was made a moment ago. */
  readonly exp?: number;
  /** Seconds. */
  readonly expiration?: number;
  readonly grantId?: string;
}

/**
 * What this process knows about tokens that it issued or revoked, to say later why they are not active: the store forgets a token
 * when it ends. Bounded, by token key.
 */
export interface RecentTokens {
  issued(token: RecentToken): void;
  revoked(token: RecentToken): void;
  grantRevoked(grantId: string): void;
  /** @returns undefined if nothing is known */
  problemOf(key: string): TokenProblem | undefined;
}

interface Ending {
  /** Epoch milliseconds. */
  readonly end: number | 'revoked';
  readonly grantId?: string;
}

/** @param dependencies.now the current time in epoch milliseconds */
export function createRecentTokens({ now }: { readonly now: () => number }): RecentTokens {
  const tokens = new Map<string, Ending>();
  const revokedGrants = new Map<string, true>();
  return {
    issued({ jti, exp, expiration = 0, grantId }) {
      const end = exp === undefined ? now() + expiration * 1000 : exp * 1000;
      remember(tokens, tokenKey(jti), { end, ...(grantId !== undefined && { grantId }) });
    },
    revoked: ({ jti }) => remember(tokens, tokenKey(jti), { end: 'revoked' }),
    grantRevoked: (grantId) => remember(revokedGrants, grantId, true),
    problemOf(key) {
      const { end, grantId = '' } = tokens.get(key) ?? {};
      if (end === 'revoked' || revokedGrants.has(grantId)) return 'revoked';
      return end !== undefined && end <= now() ? 'expired' : undefined;
    },
  };
}

/** Adds an entry, and drops the oldest one beyond the limit. */
function remember<Value>(entries: Map<string, Value>, key: string, value: Value): void {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries.keys();
  if (entries.size > LIMIT && oldest !== undefined) entries.delete(oldest);
}

/** Notes the tokens that a provider issues and revokes. */
export function recordRecentTokens(provider: Provider, recentTokens: RecentTokens): void {
  const on = (event: string, listener: (token: RecentToken) => void) =>
    (provider as { on(event: string, listener: (token: RecentToken) => void): void }).on(event, listener);
  for (const kind of ['access_token', 'client_credentials']) {
    on(`${kind}.saved`, recentTokens.issued);
    on(`${kind}.destroyed`, recentTokens.revoked);
  }
  provider.on('grant.revoked', (_ctx, grantId) => recentTokens.grantRevoked(grantId));
}

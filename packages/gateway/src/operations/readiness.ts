import { StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import type { Issuers } from '../authorization_server/issuers.ts';

/** What the gateway's dependencies say. */
export interface Readiness {
  /** Those that do not answer; none means that the gateway is ready. */
  readonly unready: readonly string[];
  /** Why, where it is known, in words that anybody may read. */
  readonly reasons: Readonly<Record<string, string>>;
  /** What an operator should know all the same. */
  readonly warnings: readonly string[];
}

export type FindReadiness = () => Promise<Readiness>;

export interface ReadinessDependencies {
  readonly store: Pick<TokenStore, 'ping' | 'warnings'>;
  readonly issuers: Issuers;
  readonly isDraining: () => boolean;
}

/**
 * The token store must answer now. Every authorization server must have given its keys once: from then on `jwt` and `split` do
 * without it.
 */
export function createReadiness({ store, issuers, isDraining }: ReadinessDependencies): FindReadiness {
  const withoutKeys = new Set(issuers.values());

  async function fetchKeysOnce(): Promise<void> {
    const fetches = [...withoutKeys].map(async (issuer) => {
      await issuer.jwks.refresh();
      withoutKeys.delete(issuer);
    });
    await Promise.all(fetches);
  }

  return async () => {
    const [stored, keyed] = await Promise.allSettled([store.ping(), fetchKeysOnce()]);
    const storeFailure: unknown = stored.status === 'rejected' ? stored.reason : undefined;
    return {
      unready: [
        ...(isDraining() ? ['draining'] : []),
        ...(stored.status === 'rejected' ? ['token-store'] : []),
        ...(keyed.status === 'rejected' ? ['authorization-server'] : []),
      ],
      reasons: storeFailure instanceof StoreUnavailableError ? { 'token-store': storeFailure.reason } : {},
      warnings: store.warnings(),
    };
  };
}

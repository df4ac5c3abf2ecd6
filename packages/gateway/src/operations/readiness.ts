import type { FindReadiness } from '@tallystick/common';
import { StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import type { Issuers } from '../authorization_server/issuers.ts';

export interface ReadinessDependencies {
  readonly store: Pick<TokenStore, 'ping' | 'warnings'>;
  readonly issuers: Issuers;
  readonly isDraining: () => boolean;
}

/**
 * Determines readiness. The token store must answer now. The keys of every authorization server must have been fetched once: afterwards
 * `jwt` and `split` work without it.
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

import type { TokenStore } from '@tallystick/token-store';
import type { Issuers } from './issuers.ts';

/** Finds out which of the things that the gateway depends on do not answer; none means it is ready. */
export type FindUnready = () => Promise<readonly string[]>;

export interface ReadinessDependencies {
  readonly store: Pick<TokenStore, 'ping'>;
  readonly issuers: Issuers;
  readonly isDraining: () => boolean;
}

/**
 * The token store must answer now. Every authorization server must have given its keys once: from then on `jwt` and `split` do
 * without it.
 */
export function createReadiness({ store, issuers, isDraining }: ReadinessDependencies): FindUnready {
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
    return [
      ...(isDraining() ? ['draining'] : []),
      ...(stored.status === 'rejected' ? ['token-store'] : []),
      ...(keyed.status === 'rejected' ? ['authorization-server'] : []),
    ];
  };
}

import type { RemoteJwks } from '@tallystick/resource-server';
import type { TokenStore } from '@tallystick/token-store';

/** Finds out which of the things that the gateway depends on do not answer; none means it is ready. */
export type FindUnready = () => Promise<readonly string[]>;

export interface ReadinessDependencies {
  readonly store: Pick<TokenStore, 'ping'>;
  readonly jwks: Pick<RemoteJwks, 'refresh'>;
}

/**
 * The token store must answer now. The authorization server must have given its keys once: from then on `jwt` and `split` do
 * without it.
 */
export function createReadiness({ store, jwks }: ReadinessDependencies): FindUnready {
  let hasKeys = false;

  async function fetchKeysOnce(): Promise<void> {
    if (hasKeys) return;
    await jwks.refresh();
    hasKeys = true;
  }

  return async () => {
    const [stored, keyed] = await Promise.allSettled([store.ping(), fetchKeysOnce()]);
    return [
      ...(stored.status === 'rejected' ? ['token-store'] : []),
      ...(keyed.status === 'rejected' ? ['authorization-server'] : []),
    ];
  };
}

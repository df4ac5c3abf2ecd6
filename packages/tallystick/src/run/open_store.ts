import { openTokenStore, type StoreLog, type StoreUse, type TokenStore } from '@tallystick/token-store';
import { ConfigError } from '../config/config_error.ts';
import type { Config } from '../config/schema.ts';

export interface OpenedFor {
  /** What the roles of this process do with it. */
  readonly uses: readonly StoreUse[];
  readonly log: StoreLog;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What a gateway does with the store. */
export function usesOfGateway({ gateway }: Config): StoreUse[] {
  const uses: StoreUse[] = ['split entries'];
  if (gateway.cache.shared) uses.push('shared answers');
  if (gateway.tokenHandlers.length > 0) uses.push('shared values');
  return uses;
}

/**
 * Opens the configured store.
 *
 * @throws {ConfigError} a certificate cannot be read
 */
export async function openStore({ store }: Pick<Config, 'store'>, options: OpenedFor): Promise<TokenStore> {
  try {
    return await openTokenStore(store, options);
  } catch (error) {
    throw error instanceof TypeError ? new ConfigError('the configuration', [error.message]) : error;
  }
}

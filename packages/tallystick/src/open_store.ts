import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { ConfigError } from './config/config_error.ts';
import type { Config } from './config/schema.ts';

/**
 * Opens the configured store.
 *
 * @param now epoch milliseconds. Default: real time.
 * @throws {ConfigError} a certificate cannot be read
 */
export async function openStore({ store }: Pick<Config, 'store'>, now?: () => number): Promise<TokenStore> {
  try {
    return await openTokenStore({ ...store, ...(now && { now }) });
  } catch (error) {
    throw error instanceof TypeError ? new ConfigError('the configuration', [error.message]) : error;
  }
}

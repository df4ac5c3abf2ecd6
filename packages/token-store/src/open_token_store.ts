import type { TokenStore } from './contract.ts';

export interface OpenStoreOptions {
  /** `memory:`, `redis://…` or `rediss://…`. */
  readonly url: string;
  /** Encrypts split entries under a key derived from the client's half. Default: false, so that other gateways can read them. */
  readonly seal?: boolean;
}

/** Opens the store that a URL names. @throws {TypeError} for a URL of no known kind */
export function openTokenStore(_options: OpenStoreOptions): TokenStore {
  throw new TypeError('not there yet');
}

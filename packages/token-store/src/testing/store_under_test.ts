import type { StoreConfig } from '../config/store_config.ts';
import type { RevocationListener, TokenStore } from '../index.ts';

export type TestedOptions = Partial<Pick<StoreConfig, 'seal' | 'anonymous'>>;

export interface StoreUnderTest {
  /** Opens a store on its own data. `another` opens a second one on the same data, as another process does. */
  open(options?: TestedOptions): Promise<TokenStore>;
  another(): Promise<TokenStore>;
  /** Opens the store of another installation on the same server, whose prefix starts with the prefix of `open`. */
  nested(prefix: string): Promise<TokenStore>;
  /** Every key and every value, as a thief of the store reads them. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

/** Opens a store, which is closed after the test. */
export type Start = (options?: TestedOptions) => Promise<{ store: TokenStore; underTest: StoreUnderTest }>;

export const ID = 'client-held-token-0123456789';
export const OTHER = 'another-held-token-0123456789';
export const SECRET = 'secret of the servers';

export async function listen(store: TokenStore): Promise<{ revoked: string[] }> {
  const revoked: string[] = [];
  await new Promise<void>((resolve) => {
    const listener: RevocationListener = { revoked: (key) => revoked.push(key), connected: resolve, disconnected() {} };
    store.subscribe(listener);
  });
  return { revoked };
}

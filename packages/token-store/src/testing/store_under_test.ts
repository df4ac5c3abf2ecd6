import type { StoreConfig } from '../config/store_config.ts';
import type { RevocationListener, TokenStore } from '../index.ts';

export type TestedOptions = Partial<Pick<StoreConfig, 'seal' | 'anonymous'>>;

export interface StoreUnderTest {
  /** Opens a store of its own; `another` opens a second one on the same data, as another process would. */
  open(options?: TestedOptions): Promise<TokenStore>;
  another(): Promise<TokenStore>;
  /** Opens that of another installation on the same server, whose prefix begins with that of `open`. */
  nested(prefix: string): Promise<TokenStore>;
  /** Every key and every value, as whoever steals the store reads them. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

/** Opens a store for the test at hand; it is closed after it. */
export type Start = (options?: TestedOptions) => Promise<{ store: TokenStore; underTest: StoreUnderTest }>;

export const ID = 'client-held-token-0123456789';
export const OTHER = 'another-held-token-0123456789';
export const SECRET = 'what only these servers know';

export async function listen(store: TokenStore): Promise<{ revoked: string[] }> {
  const revoked: string[] = [];
  await new Promise<void>((resolve) => {
    const listener: RevocationListener = { revoked: (key) => revoked.push(key), connected: resolve, disconnected() {} };
    store.subscribe(listener);
  });
  return { revoked };
}

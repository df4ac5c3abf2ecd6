import {
  type RevocationListener,
  type SharedValues,
  StoreUnavailableError,
  type TokenStore,
  tokenKey,
} from '@tallystick/token-store';

export interface TestStore
  extends Pick<
    TokenStore,
    'splitEntries' | 'sharedAnswers' | 'sharedValues' | 'subscribe' | 'ping' | 'warnings' | 'useOnce'
  > {
  /** Signature to signing input. */
  readonly entries: Map<string, string>;
  /** Client-held token to the answer that gateways share. */
  readonly answers: Map<string, string>;
  /** The used names. */
  readonly used: Set<string>;
  /** The number of lookups. */
  lookups: number;
  unavailable: boolean;
  /** Whether it may have dropped entries. */
  mayLack: boolean;
  /** The warnings of the store. */
  warned: string[];
  /** Delays every lookup. */
  delay: Promise<void> | undefined;
  /** The subscribers of the feed. */
  readonly listeners: Set<RevocationListener>;
  /** Publishes the revocation of a client-held token on the feed. */
  revoke(token: string): void;
  disconnect(): void;
  connect(): void;
}

/** Creates the part of a token store that a gateway uses. Its feed is connected from the start. */
export function createTestStore(): TestStore {
  let isUp = true;
  const requireAvailable = () => {
    if (store.unavailable) throw new StoreUnavailableError('down');
  };
  const sharedValues = createSharedValues(requireAvailable);
  const store: TestStore = {
    entries: new Map(),
    answers: new Map(),
    used: new Set(),
    lookups: 0,
    unavailable: false,
    mayLack: false,
    warned: [],
    delay: undefined,
    listeners: new Set(),
    splitEntries: {
      mayLack: () => store.mayLack,
      async find(signature) {
        store.lookups += 1;
        const found = store.entries.get(signature);
        await store.delay;
        requireAvailable();
        return found;
      },
    },
    sharedAnswers: {
      async find(token) {
        requireAvailable();
        return store.answers.get(token);
      },
      async put(token, value) {
        requireAvailable();
        store.answers.set(token, value);
        return true;
      },
    },
    sharedValues: () => sharedValues,
    async useOnce(name) {
      requireAvailable();
      return !store.used.has(name) && store.used.add(name) !== undefined;
    },
    warnings: () => store.warned,
    async ping() {
      requireAvailable();
    },
    subscribe(listener) {
      store.listeners.add(listener);
      if (isUp) listener.connected();
      return () => store.listeners.delete(listener);
    },
    revoke(token) {
      store.entries.delete(token);
      store.answers.delete(token);
      for (const listener of store.listeners) listener.revoked(tokenKey(token));
    },
    disconnect() {
      isUp = false;
      for (const listener of store.listeners) listener.disconnected();
    },
    connect() {
      isUp = true;
      for (const listener of store.listeners) listener.connected();
    },
  };
  return store;
}

function createSharedValues(requireAvailable: () => void): SharedValues {
  const values = new Map<string, string>();
  return {
    async find(name) {
      requireAvailable();
      return values.get(name);
    },
    async put(name, value) {
      requireAvailable();
      values.set(name, value);
    },
    async putIfAbsent(name, value) {
      requireAvailable();
      return !values.has(name) && values.set(name, value) !== undefined;
    },
    async remove(name) {
      requireAvailable();
      values.delete(name);
    },
  };
}

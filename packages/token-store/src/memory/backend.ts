import { type Backend, changeOf, type FeedListener } from '../backend.ts';
import { createMemoryEntries, type MemoryEntries, type MemoryEntry } from './entries.ts';
import { createMemoryWrites } from './writes.ts';

export interface MemoryBackendOptions {
  /** Maximum number of entries. Past it new entries are refused; live entries are never dropped. */
  readonly maxEntries: number;
  /** Approximate maximum size in bytes, with the same effect. */
  readonly maxBytes: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Storage of the entries. Default: a new map. */
  readonly entries?: Map<string, MemoryEntry>;
}

/** A backend in the memory of this process, for development, demonstrations and tests. */
export function createMemoryBackend({ now, entries: kept = new Map(), ...bounds }: MemoryBackendOptions): Backend {
  const entries = createMemoryEntries(kept, { ...bounds, now });
  const listeners = new Set<FeedListener>();
  const publish = (message: string) => {
    for (const listener of listeners) listener.message(message);
  };
  return {
    ...createReads(entries, now),
    ...createWrites(entries, now, publish),
    async clear(matches) {
      for (const key of entries.keys()) if (matches(key)) entries.delete(key);
    },
    subscribe(listener) {
      listeners.add(listener);
      listener.connected();
      return () => listeners.delete(listener);
    },
    async ping() {},
    mayEvict: () => false, // A full store refuses new entries.
    warnings: () => [],
    async close() {
      listeners.clear();
      for (const key of entries.keys()) entries.delete(key);
    },
  };
}

function createReads({ live }: MemoryEntries, now: () => number): Pick<Backend, 'get' | 'getRecord' | 'members'> {
  return {
    async get(key) {
      return live(key)?.value;
    },
    async getRecord(key) {
      const entry = live(key);
      if (entry?.value === undefined) return undefined;
      return entry.consumed === undefined ? { value: entry.value } : { value: entry.value, consumed: entry.consumed };
    },
    async members(key) {
      const time = now();
      return [...(live(key)?.members ?? [])].filter(([, expiresAt]) => expiresAt > time).map(([member]) => member);
    },
  };
}

function createWrites(
  entries: MemoryEntries,
  now: () => number,
  publish: (message: string) => void,
): Pick<Backend, 'atomicWrites' | 'write' | 'putIfAbsent' | 'getOrPut' | 'compareAndSet'> {
  const { live } = entries;
  const writes = createMemoryWrites({ entries, now, publish });

  function put(key: string, value: string, expiresIn: number): void {
    const write = { type: 'put', key, value, expiresIn } as const;
    entries.makeRoom([write]);
    writes.apply(write);
  }

  return {
    atomicWrites: 'all keys',
    async write(batch, conditions = []) {
      const failed = conditions.find((condition) => !writes.isMet(condition));
      if (failed) return failed;
      entries.makeRoom(batch);
      for (const condition of conditions) writes.mark(condition);
      for (const write of batch) writes.apply(write);
      return undefined;
    },
    async putIfAbsent(key, value, expiresIn) {
      if (live(key) !== undefined) return false;
      put(key, value, expiresIn);
      return true;
    },
    async getOrPut(key, value) {
      const present = live(key)?.value;
      if (present === undefined) put(key, value, Number.POSITIVE_INFINITY);
      return present ?? value;
    },
    async compareAndSet(key, expected, value) {
      if (live(key)?.value !== expected) return false;
      entries.set(key, { value, expiresAt: Number.POSITIVE_INFINITY });
      publish(changeOf(key));
      return true;
    },
  };
}

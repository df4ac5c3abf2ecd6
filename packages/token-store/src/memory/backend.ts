import { type Backend, changeOf, type FeedListener } from '../backend.ts';
import { createMemoryEntries, type MemoryEntry } from './entries.ts';
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
  const listeners = new Set<FeedListener>();
  const entries = createMemoryEntries(kept, { ...bounds, now });
  const { live } = entries;

  const publish = (message: string) => {
    for (const listener of listeners) listener.message(message);
  };
  const writes = createMemoryWrites({ entries, now, publish });

  return {
    writesAtOnce: 'everything',
    async write(batch, conditions = []) {
      const failed = conditions.find((condition) => !writes.isMet(condition));
      if (failed) return failed;
      entries.makeRoom(batch);
      for (const condition of conditions) writes.mark(condition);
      for (const write of batch) writes.apply(write);
      return undefined;
    },
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
    async putIfAbsent(key, value, expiresIn) {
      if (live(key) !== undefined) return false;
      const put = { do: 'put', key, value, expiresIn } as const;
      entries.makeRoom([put]);
      writes.apply(put);
      return true;
    },
    async keepFirst(key, value) {
      const first = live(key)?.value;
      if (first !== undefined) return first;
      entries.makeRoom([{ do: 'put', key, value, expiresIn: Number.POSITIVE_INFINITY }]);
      entries.set(key, { value, expiresAt: Number.POSITIVE_INFINITY });
      return value;
    },
    async replaceKept(key, expected, value) {
      if (live(key)?.value !== expected) return false;
      entries.set(key, { value, expiresAt: Number.POSITIVE_INFINITY });
      publish(changeOf(key));
      return true;
    },
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

import type { Write } from '../backend.ts';
import { StoreUnavailableError } from '../errors.ts';

/** The value of a key. Times are in epoch milliseconds. */
export interface MemoryEntry {
  readonly value?: string;
  consumed?: number;
  step?: number;
  /** Expiry by member. */
  readonly members?: Map<string, number>;
  /** Size of the members, by `memberSize`. */
  readonly memberBytes?: number;
  /** Number of members from which expired ones are swept. */
  readonly sweepMembersAt?: number;
  readonly expiresAt: number;
}

export interface MemoryBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A bounded set of entries. */
export interface MemoryEntries {
  live(key: string): MemoryEntry | undefined;
  set(key: string, entry: MemoryEntry): void;
  delete(key: string): void;
  keys(): Iterable<string>;
  /** Makes room for a batch by removing expired entries. @throws {StoreUnavailableError} there is not enough room */
  makeRoom(batch: readonly Write[]): void;
}

/** Approximate overhead of an entry in bytes: a slot in a map, an object, string headers. */
const ENTRY_OVERHEAD = 256;

/** The same for a list member. */
const MEMBER_OVERHEAD = 96;

/** Approximate size of a list member in bytes. */
export function memberSize(member: string): number {
  return MEMBER_OVERHEAD + member.length;
}

/** A store with fewer entries is not swept. */
const SWEEP_FROM = 1024;

/** Fraction of the bounds that is reserved for vital writes. */
const RESERVE = 0.05;

/** Minimum interval in milliseconds between two sweeps of a full store, because a sweep visits every entry. */
const SWEEP_INTERVAL = 1000;

export function createMemoryEntries(kept: Map<string, MemoryEntry>, bounds: MemoryBounds): MemoryEntries {
  const { maxEntries, maxBytes, now } = bounds;
  let bytes = 0;
  let sweepAt = SWEEP_FROM;
  let sweptAt = Number.NEGATIVE_INFINITY;

  function live(key: string): MemoryEntry | undefined {
    const entry = kept.get(key);
    return entry && entry.expiresAt > now() ? entry : undefined;
  }

  function set(key: string, entry: MemoryEntry) {
    bytes += sizeOf(key, entry) - sizeOf(key, kept.get(key));
    kept.set(key, entry);
  }

  function remove(key: string) {
    bytes -= sizeOf(key, kept.get(key));
    kept.delete(key);
  }

  function sweep() {
    sweptAt = now();
    for (const [key, entry] of kept) if (entry.expiresAt <= sweptAt) remove(key);
    sweepAt = Math.max(SWEEP_FROM, kept.size * 2);
  }

  return {
    live,
    set,
    delete: remove,
    keys: () => kept.keys(),
    makeRoom(batch) {
      const isVital = batch.some((write) => write.type === 'put' && write.isVital);
      const part = isVital ? 1 + RESERVE : 1;
      const added = batch.map((write) => additionOf(write, kept));
      const newEntries = new Set(added.flatMap(({ key }) => key ?? [])).size;
      const newBytes = added.reduce((sum, addition) => sum + addition.bytes, 0);
      const isTooMuch = () => kept.size + newEntries > maxEntries * part || bytes + newBytes > maxBytes * part;
      if (newEntries === 0 && newBytes <= 0) return;
      if (kept.size + newEntries < sweepAt && !isTooMuch()) return;
      const sinceSweep = now() - sweptAt;
      if (!isTooMuch() || sinceSweep < 0 || sinceSweep >= SWEEP_INTERVAL) sweep();
      if (isTooMuch()) {
        throw new StoreUnavailableError(`the memory store is full (${kept.size} entries, about ${bytes} bytes)`);
      }
    },
  };
}

/** The number of bytes that a write adds, and its key if it is new. */
function additionOf(write: Write, kept: ReadonlyMap<string, MemoryEntry>): { bytes: number; key?: string } {
  if (write.type === 'publish' || write.type === 'delete' || write.type === 'removeMembers') return { bytes: 0 };
  const before = kept.get(write.key);
  const text = write.type === 'addMember' ? memberSize(write.member) : write.value.length;
  if (before === undefined) return { bytes: ENTRY_OVERHEAD + write.key.length + text, key: write.key };
  return { bytes: write.type === 'addMember' ? text : text - (before.value?.length ?? 0) };
}

/** One byte for each character, because all keys and values are ASCII. */
function sizeOf(key: string, entry: MemoryEntry | undefined): number {
  if (entry === undefined) return 0;
  const { value = '', memberBytes = 0 } = entry;
  return ENTRY_OVERHEAD + key.length + value.length + memberBytes;
}

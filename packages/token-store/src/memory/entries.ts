import type { Write } from '../backend.ts';
import { StoreUnavailableError } from '../errors.ts';

/** What lies under a key; times are epoch milliseconds. */
export interface MemoryEntry {
  readonly value?: string;
  consumed?: number;
  step?: number;
  /** Member to the time it expires. */
  readonly members?: Map<string, number>;
  /** What the members take up, by `memberSize`. */
  readonly memberBytes?: number;
  /** From so many members on, those that have expired are looked for. */
  readonly sweepMembersAt?: number;
  readonly expiresAt: number;
}

export interface MemoryBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Entries of a process, in bounds. */
export interface MemoryEntries {
  live(key: string): MemoryEntry | undefined;
  set(key: string, entry: MemoryEntry): void;
  delete(key: string): void;
  keys(): Iterable<string>;
  /** @throws {StoreUnavailableError} there is no room for what a batch adds, whatever has expired */
  makeRoom(batch: readonly Write[]): void;
}

/** Bytes that an entry takes up beside its text, roughly: a place in a map, an object, headers of strings. */
const ENTRY_OVERHEAD = 256;

/** The same for a member of a list. */
const MEMBER_OVERHEAD = 96;

/** Bytes that a member of a list takes up. */
export function memberSize(member: string): number {
  return MEMBER_OVERHEAD + member.length;
}

/** Below this many entries nothing is swept. */
const SWEEP_FROM = 1024;

/** What is vital may take up so much more, as a part of the bounds. */
const RESERVE = 0.05;

/** Milliseconds between two sweeps of a store that is full: each of them looks at everything. */
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
      const isVital = batch.some((write) => write.do === 'put' && write.isVital);
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
        throw new StoreUnavailableError(`the memory store is full (${kept.size} entries, some ${bytes} bytes)`);
      }
    },
  };
}

/** By how many bytes a write makes the store larger, and under which key, if that is a new one. */
function additionOf(write: Write, kept: ReadonlyMap<string, MemoryEntry>): { bytes: number; key?: string } {
  if (write.do === 'publish' || write.do === 'delete' || write.do === 'removeMembers') return { bytes: 0 };
  const before = kept.get(write.key);
  const text = write.do === 'addMember' ? memberSize(write.member) : write.value.length;
  if (before === undefined) return { bytes: ENTRY_OVERHEAD + write.key.length + text, key: write.key };
  return { bytes: write.do === 'addMember' ? text : text - (before.value?.length ?? 0) };
}

/** One byte for each character: nothing but ASCII is kept here. */
function sizeOf(key: string, entry: MemoryEntry | undefined): number {
  if (entry === undefined) return 0;
  const { value = '', memberBytes = 0 } = entry;
  return ENTRY_OVERHEAD + key.length + value.length + memberBytes;
}

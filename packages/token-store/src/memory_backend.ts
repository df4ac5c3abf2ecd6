import { type Backend, type Condition, changeOf, type FeedListener, FOR_GOOD, type Write } from './backend.ts';
import { StoreUnavailableError } from './errors.ts';

/** Below this many entries nothing is swept. */
const SWEEP_FROM = 1024;

/** Below this many members of a list nothing is swept. */
const SWEEP_MEMBERS_FROM = 64;

/** What lies under a key; times are epoch milliseconds. */
export interface MemoryEntry {
  value?: string;
  consumed?: number;
  step?: number;
  /** Member to the time it expires. */
  members?: Map<string, number>;
  /** From so many members on, those that have expired are looked for. */
  sweepMembersAt?: number;
  expiresAt: number;
}

export interface MemoryBackendOptions {
  /** Past this many entries new ones are refused; a live entry is never dropped. */
  readonly maxEntries: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where the entries are kept. */
  readonly entries?: Map<string, MemoryEntry>;
}

/** Keeps everything in this process: for development, demonstrations and tests. */
export function createMemoryBackend({ maxEntries, now, entries = new Map() }: MemoryBackendOptions): Backend {
  const listeners = new Set<FeedListener>();
  let sweepAt = SWEEP_FROM;

  function live(key: string): MemoryEntry | undefined {
    const entry = entries.get(key);
    return entry && entry.expiresAt > now() ? entry : undefined;
  }

  function makeRoom(needed: number) {
    if (entries.size + needed < sweepAt && entries.size + needed <= maxEntries) return;
    const time = now();
    for (const [key, entry] of entries) if (entry.expiresAt <= time) entries.delete(key);
    sweepAt = Math.max(SWEEP_FROM, entries.size * 2);
    if (entries.size + needed > maxEntries)
      throw new StoreUnavailableError(`the memory store is full (${maxEntries} entries)`);
  }

  function apply(write: Write) {
    switch (write.do) {
      case 'put':
        entries.set(write.key, { value: write.value, expiresAt: expiry(write.expiresIn) });
        break;
      case 'putRecord':
        entries.set(write.key, { ...live(write.key), value: write.value, expiresAt: expiry(write.expiresIn) });
        break;
      case 'addMember':
        addMember(write.key, write.member, expiry(write.expiresIn));
        break;
      case 'removeMembers':
        for (const member of write.members) live(write.key)?.members?.delete(member);
        break;
      case 'delete':
        entries.delete(write.key);
        break;
      case 'publish':
        publish(write.message);
    }
  }

  function publish(message: string) {
    for (const listener of listeners) listener.message(message);
  }

  function holds(condition: Condition): boolean {
    const entry = live(condition.key);
    if (condition.if === 'exists') return entry !== undefined;
    if (condition.if === 'consumable') return entry !== undefined && entry.consumed === undefined;
    if (condition.if === 'advances') return entry !== undefined && (entry.step ?? 0) < condition.step;
    const value = Number(entry?.value ?? Number.NEGATIVE_INFINITY);
    return value < condition.than || (value > now() && value !== FOR_GOOD);
  }

  /** Notes on the record what the condition says is so with the batch. */
  function mark(condition: Condition) {
    const entry = live(condition.key);
    if (entry && condition.if === 'consumable') entry.consumed = condition.at;
    if (entry && condition.if === 'advances') entry.step = condition.step;
  }

  function addMember(key: string, member: string, expiresAt: number) {
    const entry = live(key) ?? { expiresAt };
    const { members = new Map<string, number>(), sweepMembersAt = SWEEP_MEMBERS_FROM } = entry;
    members.set(member, expiresAt);
    const kept = { members, expiresAt: Math.max(entry.expiresAt, expiresAt) };
    entries.set(key, { ...kept, sweepMembersAt: members.size < sweepMembersAt ? sweepMembersAt : sweep(members) });
  }

  /** @returns the number of members at which it is worth it again: looking at all of them each time would be quadratic */
  function sweep(members: Map<string, number>): number {
    for (const [member, expiresAt] of members) if (expiresAt <= now()) members.delete(member);
    return Math.max(SWEEP_MEMBERS_FROM, members.size * 2);
  }

  function expiry(expiresIn: number): number {
    return now() + expiresIn * 1000;
  }

  return {
    writesAtOnce: 'everything',
    async write(batch, conditions = []) {
      const failed = conditions.find((condition) => !holds(condition));
      if (failed) return failed;
      makeRoom(
        batch.filter(
          (write) => 'key' in write && write.do !== 'delete' && write.do !== 'removeMembers' && !entries.has(write.key),
        ).length,
      );
      for (const condition of conditions) mark(condition);
      for (const write of batch) apply(write);
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
      makeRoom(entries.has(key) ? 0 : 1);
      entries.set(key, { value, expiresAt: expiry(expiresIn) });
      return true;
    },
    async keepFirst(key, value) {
      const kept = entries.get(key)?.value;
      if (kept !== undefined) return kept;
      makeRoom(1);
      entries.set(key, { value, expiresAt: Number.POSITIVE_INFINITY });
      return value;
    },
    async replaceKept(key, expected, value) {
      if (entries.get(key)?.value !== expected) return false;
      entries.set(key, { value, expiresAt: Number.POSITIVE_INFINITY });
      publish(changeOf(key));
      return true;
    },
    async clear(isDoomed) {
      for (const key of entries.keys()) if (isDoomed(key)) entries.delete(key);
    },
    subscribe(listener) {
      listeners.add(listener);
      listener.connected();
      return () => listeners.delete(listener);
    },
    async ping() {},
    warnings: () => [],
    async close() {
      listeners.clear();
      entries.clear();
    },
  };
}

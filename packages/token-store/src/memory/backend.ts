import { type Backend, type Condition, changeOf, type FeedListener, FOR_GOOD, type Write } from '../backend.ts';
import { createMemoryEntries, type MemoryEntry, memberSize } from './entries.ts';

/** Below this many members of a list nothing is swept. */
const SWEEP_MEMBERS_FROM = 64;

export interface MemoryBackendOptions {
  /** Past this many entries new ones are refused; a live entry is never dropped. */
  readonly maxEntries: number;
  /** Past this many bytes, as estimated, too. */
  readonly maxBytes: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where the entries are kept. */
  readonly entries?: Map<string, MemoryEntry>;
}

/** Keeps everything in this process: for development, demonstrations and tests. */
export function createMemoryBackend({ now, entries: kept = new Map(), ...bounds }: MemoryBackendOptions): Backend {
  const listeners = new Set<FeedListener>();
  const entries = createMemoryEntries(kept, { ...bounds, now });
  const { live } = entries;

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
        removeMembers(write.key, write.members);
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
    if (condition.if === 'begins') return entry?.value?.startsWith(condition.with) === true;
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
    const { members = new Map<string, number>(), memberBytes = 0, sweepMembersAt = SWEEP_MEMBERS_FROM } = entry;
    const added = members.has(member) ? 0 : memberSize(member);
    members.set(member, expiresAt);
    const changed = { members, memberBytes: memberBytes + added, expiresAt: Math.max(entry.expiresAt, expiresAt) };
    entries.set(key, { ...changed, sweepMembersAt });
    // Looking at all of them each time would be quadratic.
    if (members.size >= sweepMembersAt) sweepMembers(key, members);
  }

  function sweepMembers(key: string, members: ReadonlyMap<string, number>) {
    const expired = [...members].flatMap(([member, expiresAt]) => (expiresAt <= now() ? member : []));
    removeMembers(key, expired);
    const entry = live(key);
    if (entry) entries.set(key, { ...entry, sweepMembersAt: Math.max(SWEEP_MEMBERS_FROM, members.size * 2) });
  }

  function removeMembers(key: string, doomed: readonly string[]) {
    const entry = live(key);
    if (entry?.members === undefined) return;
    const { members, memberBytes = 0 } = entry;
    const removed = doomed.reduce((bytes, member) => bytes + (members.delete(member) ? memberSize(member) : 0), 0);
    if (members.size === 0) entries.delete(key);
    else entries.set(key, { ...entry, memberBytes: memberBytes - removed });
  }

  function expiry(expiresIn: number): number {
    return now() + expiresIn * 1000;
  }

  return {
    writesAtOnce: 'everything',
    async write(batch, conditions = []) {
      const failed = conditions.find((condition) => !holds(condition));
      if (failed) return failed;
      entries.makeRoom(batch);
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
      const put = { do: 'put', key, value, expiresIn } as const;
      entries.makeRoom([put]);
      apply(put);
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
    mayEvict: () => false, // It refuses new entries instead.
    warnings: () => [],
    async close() {
      listeners.clear();
      for (const key of entries.keys()) entries.delete(key);
    },
  };
}

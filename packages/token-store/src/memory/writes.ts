import { type Condition, PERMANENT, type Write } from '../backend.ts';
import { type MemoryEntries, memberSize } from './entries.ts';

/** Lists with fewer members are not swept. */
const SWEEP_MEMBERS_FROM = 64;

export interface MemoryWritesOptions {
  readonly entries: MemoryEntries;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Publishes a message on the feed. */
  readonly publish: (message: string) => void;
}

/** Carries out the writes of a batch and checks its conditions. */
export interface MemoryWrites {
  apply(write: Write): void;
  isMet(condition: Condition): boolean;
  /** Marks the record of a condition as consumed, or as having reached the step. */
  mark(condition: Condition): void;
}

export function createMemoryWrites({ entries, now, publish }: MemoryWritesOptions): MemoryWrites {
  const { live } = entries;
  const members = createMemberLists(entries, now);
  const expiry = (expiresIn: number) => now() + expiresIn * 1000;

  return {
    apply(write) {
      switch (write.type) {
        case 'put':
          entries.set(write.key, { value: write.value, expiresAt: expiry(write.expiresIn) });
          break;
        case 'putRecord':
          entries.set(write.key, { ...live(write.key), value: write.value, expiresAt: expiry(write.expiresIn) });
          break;
        case 'addMember':
          members.add(write.key, write.member, expiry(write.expiresIn));
          break;
        case 'removeMembers':
          members.remove(write.key, write.members);
          break;
        case 'delete':
          entries.delete(write.key);
          break;
        case 'publish':
          publish(write.message);
      }
    },
    isMet(condition) {
      const entry = live(condition.key);
      if (condition.type === 'exists') return entry !== undefined;
      if (condition.type === 'startsWith') return entry?.value?.startsWith(condition.prefix) === true;
      if (condition.type === 'notConsumed') return entry !== undefined && entry.consumed === undefined;
      if (condition.type === 'stepBelow') return entry !== undefined && (entry.step ?? 0) < condition.step;
      const value = Number(entry?.value ?? Number.NEGATIVE_INFINITY);
      return value < condition.limit || (value > now() && value !== PERMANENT);
    },
    mark(condition) {
      const entry = live(condition.key);
      if (entry && condition.type === 'notConsumed') entry.consumed = condition.at;
      if (entry && condition.type === 'stepBelow') entry.step = condition.step;
    },
  };
}

/** Lists whose members expire one by one. */
function createMemberLists(entries: MemoryEntries, now: () => number) {
  const { live } = entries;

  function add(key: string, member: string, expiresAt: number) {
    const entry = live(key) ?? { expiresAt };
    const { members = new Map<string, number>(), memberBytes = 0, sweepMembersAt = SWEEP_MEMBERS_FROM } = entry;
    const added = members.has(member) ? 0 : memberSize(member);
    members.set(member, expiresAt);
    const changed = { members, memberBytes: memberBytes + added, expiresAt: Math.max(entry.expiresAt, expiresAt) };
    entries.set(key, { ...changed, sweepMembersAt });
    // A sweep on every write would take quadratic time.
    if (members.size >= sweepMembersAt) sweep(key, members);
  }

  function sweep(key: string, members: ReadonlyMap<string, number>) {
    remove(
      key,
      [...members].flatMap(([member, expiresAt]) => (expiresAt <= now() ? member : [])),
    );
    const entry = live(key);
    if (entry) entries.set(key, { ...entry, sweepMembersAt: Math.max(SWEEP_MEMBERS_FROM, members.size * 2) });
  }

  function remove(key: string, removed: readonly string[]) {
    const entry = live(key);
    if (entry?.members === undefined) return;
    const { members, memberBytes = 0 } = entry;
    const freed = removed.reduce((bytes, member) => bytes + (members.delete(member) ? memberSize(member) : 0), 0);
    if (members.size === 0) entries.delete(key);
    else entries.set(key, { ...entry, memberBytes: memberBytes - freed });
  }

  return { add, remove };
}

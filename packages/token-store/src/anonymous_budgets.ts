import type { Backend, Write } from './backend.ts';
import type { StoreConfig } from './config/store_config.ts';
import { StoreUnavailableError } from './errors.ts';
import { markOf } from './seal.ts';

/** Limits for the records of one kind that this process wrote without a signed-in user. */
export type AnonymousBudget = StoreConfig['anonymous'];

/** A record that anyone can create, and that is dropped in favour of a newer one. */
export interface AnonymousRecord {
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Deletes the record unless it was written again. */
  drop(): Promise<void>;
}

/**
 * Limits the records that anonymous callers can create, for each kind. Past the limit the newest record replaces the oldest. If the
 * newest were refused instead, a flood would shut everybody else out until its records expire.
 */
export interface AnonymousBudgets {
  /** Counts a new record, and drops the oldest records past the limit. @param key store key with the partition's prefix */
  hold(kind: string, key: string, record: AnonymousRecord): Promise<void>;
  /** Stops counting a record, because it is gone or belongs to somebody now. */
  release(kind: string, key: string): void;
}

interface Kind {
  /** By key, oldest first. */
  readonly records: Map<string, AnonymousRecord>;
  bytes: number;
}

export function createAnonymousBudgets(
  { maxEntries, maxBytes }: AnonymousBudget,
  { now }: { readonly now: () => number },
): AnonymousBudgets {
  const kinds = new Map<string, Kind>();

  function remove(kind: Kind | undefined, key: string) {
    const record = kind?.records.get(key);
    if (!kind || !record) return;
    kind.records.delete(key);
    kind.bytes -= record.bytes;
  }

  return {
    async hold(name, key, record) {
      const kind = kinds.get(name) ?? { records: new Map(), bytes: 0 };
      kinds.set(name, kind);
      remove(kind, key);
      kind.records.set(key, record);
      kind.bytes += record.bytes;
      const dropped: AnonymousRecord[] = [];
      for (const [oldestKey, oldest] of kind.records) {
        const isTooMuch = kind.records.size > maxEntries || kind.bytes > maxBytes;
        if (!isTooMuch && oldest.expiresAt > now()) break;
        remove(kind, oldestKey);
        if (oldest.expiresAt > now()) dropped.push(oldest);
      }
      await Promise.all(dropped.map((each) => each.drop()));
    },
    release: (name, key) => remove(kinds.get(name), key),
  };
}

export type PutRecord = Extract<Write, { type: 'putRecord' }>;

export interface WrittenRecord {
  /** The write of the payload. */
  readonly record: PutRecord;
  /** All writes for the record, including that one. */
  readonly batch: readonly Write[];
}

/** Describes a record that was written, for its budget. @param context.expiresAt epoch milliseconds */
export function anonymousRecord(
  { record, batch }: WrittenRecord,
  { backend, expiresAt }: { readonly backend: Backend; readonly expiresAt: number },
): AnonymousRecord {
  const { key } = record;
  const mark = markOf(record.value);
  // The undo writes have no values, so that these do not stay in memory.
  const rest = batch.filter((write) => write !== record).flatMap(undo);
  return {
    bytes: batch.reduce((sum, write) => sum + bytesOf(write), 0),
    expiresAt,
    async drop() {
      try {
        const failed = await backend.write([{ type: 'delete', key }], [{ type: 'startsWith', key, prefix: mark }]);
        if (failed === undefined) await backend.write(rest);
      } catch (error) {
        // The record expires soon anyway.
        if (!(error instanceof StoreUnavailableError)) throw error;
      }
    },
  };
}

function undo(write: Write): Write[] {
  if (write.type === 'put' || write.type === 'putRecord') return [{ type: 'delete', key: write.key }];
  if (write.type === 'addMember') return [{ type: 'removeMembers', key: write.key, members: [write.member] }];
  return [];
}

function bytesOf(write: Write): number {
  if (write.type === 'put' || write.type === 'putRecord') return write.key.length + write.value.length;
  return write.type === 'addMember' ? write.member.length : 0;
}

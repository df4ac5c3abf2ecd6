import type { Backend, Write } from './backend.ts';
import type { StoreConfig } from './config/store_config.ts';
import { StoreUnavailableError } from './errors.ts';
import { markOf } from './seal.ts';

/** Limits for the records of one kind that this process wrote without a signed-in user. */
export type AnonymousBudget = StoreConfig['anonymous'];

/** A record that anybody can have written, and that is given up for a newer one. */
export interface AnonymousRecord {
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Deletes it, unless it was written again since. */
  drop(): Promise<void>;
}

/**
 * Keeps what anonymous callers can create within bounds, each kind by itself: past them the newest record takes the place of the
 * oldest. Refusing the newest instead would let a flood shut out everybody else for as long as its records live.
 */
export interface AnonymousBudgets {
  /** Counts a record that was written, and drops what is too much. @param key of the whole store */
  hold(kind: string, key: string, record: AnonymousRecord): Promise<void>;
  /** The record under this key is not anonymous any more. */
  release(kind: string, key: string): void;
}

interface Kind {
  /** By key; the oldest first. */
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
      const doomed: AnonymousRecord[] = [];
      for (const [oldestKey, oldest] of kind.records) {
        const isTooMuch = kind.records.size > maxEntries || kind.bytes > maxBytes;
        if (!isTooMuch && oldest.expiresAt > now()) break;
        remove(kind, oldestKey);
        if (oldest.expiresAt > now()) doomed.push(oldest);
      }
      await Promise.all(doomed.map((each) => each.drop()));
    },
    release: (name, key) => remove(kinds.get(name), key),
  };
}

export type PutRecord = Extract<Write, { do: 'putRecord' }>;

export interface WrittenRecord {
  /** What has the payload. */
  readonly record: PutRecord;
  /** All that was written for it, itself included. */
  readonly batch: readonly Write[];
}

/** @param context.expiresAt epoch milliseconds */
export function anonymousRecord(
  { record, batch }: WrittenRecord,
  { backend, expiresAt }: { readonly backend: Backend; readonly expiresAt: number },
): AnonymousRecord {
  const { key } = record;
  const written = markOf(record.value);
  // Not the batch itself: on Redis its values need not stay in memory here.
  const rest = batch.filter((write) => write !== record).flatMap(undo);
  return {
    bytes: batch.reduce((sum, write) => sum + bytesOf(write), 0),
    expiresAt,
    async drop() {
      try {
        const failed = await backend.write([{ do: 'delete', key }], [{ if: 'begins', key, with: written }]);
        if (failed === undefined) await backend.write(rest);
      } catch (error) {
        // What cannot be deleted now expires soon.
        if (!(error instanceof StoreUnavailableError)) throw error;
      }
    },
  };
}

function undo(write: Write): Write[] {
  if (write.do === 'put' || write.do === 'putRecord') return [{ do: 'delete', key: write.key }];
  if (write.do === 'addMember') return [{ do: 'removeMembers', key: write.key, members: [write.member] }];
  return [];
}

function bytesOf(write: Write): number {
  if (write.do === 'put' || write.do === 'putRecord') return write.key.length + write.value.length;
  return write.do === 'addMember' ? write.member.length : 0;
}

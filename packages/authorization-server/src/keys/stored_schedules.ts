import { isDeepStrictEqual } from 'node:util';
import { SIGNING_KEYS as NAME, type TokenStore } from '@tallystick/token-store';
import type { SigningAlgorithm } from '../config/config.ts';
import {
  type KeySchedule,
  type KeyStatus,
  nextChangeAfter,
  publishedKeysAt,
  type ScheduledKey,
  statusAt,
  withRestoredKeys,
} from './key_schedule.ts';

/** Milliseconds after which this server reads the store again for changes by other servers. */
const RELOAD_INTERVAL = 1_000;

/** The schedule of each algorithm that any authorization server on the store has signed with. */
export type Schedules = { readonly [algorithm in SigningAlgorithm]?: KeySchedule };

/** The schedules in the store, with a copy in this process. */
export interface StoredSchedules {
  /** The copy. */
  current(): Schedules;
  /** A number that changes with the published keys and with the one that signs. */
  version(): number;
  /** Whether it is time to reload: another server may have changed the schedules, or a key begins to sign or retires. */
  isDue(): boolean;
  /** Reads the store, and restores the keys that it lost. @throws {StoreUnavailableError} */
  reload(): Promise<void>;
  /** Continues with the copy until the next reload is due. */
  keep(): void;
  /** Changes the schedules in the store atomically. @throws {StoreUnavailableError} */
  change(change: (schedules: Schedules) => Schedules): Promise<void>;
}

export interface StoredSchedulesDependencies {
  readonly store: TokenStore;
  /** Every authorization server on the store has the same secret. */
  readonly secret: string;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  /** Called after the schedules have changed. */
  readonly onChange: () => void;
  /** Called before keys that the store lost are restored. */
  readonly onRestore: () => void;
}

/**
 * Reads the schedules from the store, where they are sealed under the servers' secret.
 *
 * @throws {StoreUnavailableError}
 * @throws {WrongSecretError} a server with another secret wrote the schedules
 */
export async function openStoredSchedules({
  store,
  secret,
  now,
  onChange,
  onRestore,
}: StoredSchedulesDependencies): Promise<StoredSchedules> {
  let text = await store.keepFirst(NAME, '{}', secret);
  let schedules = JSON.parse(text) as Schedules;
  let version = 0;
  let changesAt = nextChange(schedules, now());
  let reloadAt = now() + RELOAD_INTERVAL;

  function adopt(newText: string): void {
    if (newText !== text) {
      text = newText;
      schedules = JSON.parse(newText) as Schedules;
      version += 1;
      onChange();
    } else if (now() >= changesAt) {
      version += 1;
    }
    changesAt = nextChange(schedules, now());
    reloadAt = now() + RELOAD_INTERVAL;
  }

  /** Adds the keys of the copy that the store lost, for example a Redis that evicts entries. */
  function restored(kept: string | undefined): string {
    if (kept === undefined) return text;
    const known = JSON.parse(kept) as Schedules;
    const all = {
      ...known,
      ...mapSchedules(schedules, (schedule, algorithm) => withRestoredKeys(known[algorithm] ?? [], schedule, now())),
    };
    return isDeepStrictEqual(all, known) ? kept : JSON.stringify(all);
  }

  /** A store that has lost the whole entry gets the copy first. */
  async function changeText(change: (kept: string) => string): Promise<string> {
    await store.keepFirst(NAME, text, secret);
    return store.changeKept(NAME, secret, change);
  }

  return {
    current: () => schedules,
    version: () => version,
    isDue: () => now() >= reloadAt || now() >= changesAt,
    async reload() {
      const kept = await store.readKept(NAME, secret);
      if (kept !== undefined && (kept === text || restored(kept) === kept)) return adopt(kept);
      onRestore();
      adopt(await changeText(restored));
    },
    keep: () => adopt(text),
    async change(change) {
      adopt(await changeText((kept) => JSON.stringify(change(JSON.parse(restored(kept)) as Schedules))));
    },
  };
}

export function mapSchedules(
  schedules: Schedules,
  change: (schedule: KeySchedule, algorithm: SigningAlgorithm) => KeySchedule,
): Schedules {
  return Object.fromEntries(
    Object.entries(schedules).map(([algorithm, schedule]) => [
      algorithm,
      change(schedule, algorithm as SigningAlgorithm),
    ]),
  );
}

export interface PublishedKey {
  readonly algorithm: SigningAlgorithm;
  readonly key: ScheduledKey;
  readonly status: KeyStatus;
}

/** The keys in the JWKS: those of the `first` algorithm first, and for each algorithm the one that signs first. */
export function publishedKeys(schedules: Schedules, first: SigningAlgorithm, now: number): PublishedKey[] {
  const algorithms = new Set([first, ...(Object.keys(schedules) as SigningAlgorithm[])]);
  return [...algorithms].flatMap((algorithm) => {
    const schedule = schedules[algorithm] ?? [];
    return publishedKeysAt(schedule, now).map((key) => ({ algorithm, key, status: statusAt(schedule, key, now) }));
  });
}

function nextChange(schedules: Schedules, now: number): number {
  return Math.min(...Object.values(schedules).map((schedule) => nextChangeAfter(schedule, now)));
}

import type { RecordOwner, TokenStore } from '@tallystick/token-store';
import type { AuthorizationServerConfig } from '../config/config.ts';

/** The name of the store's list of configured clients and users, with the time of removal of those removed since. */
const NAME = 'configured';

/** Milliseconds after a removal in which each start revokes again: longer than a rolling change of all servers takes. */
const REVOKE_AGAIN_FOR = 24 * 60 * 60 * 1000;

type Configured = Pick<AuthorizationServerConfig, 'clients' | 'users'>;

/** Kind and identifier of a client or user, and when it was removed, in epoch milliseconds; 0 if it is configured. */
type Entry = readonly ['client' | 'user', string, number];

/** Revokes everything that was issued to clients and users that are no longer configured. */
export interface Removals {
  /** Revokes for clients and users that were configured at an earlier start, of this server or another one on the store. */
  atStart(config: Configured): Promise<void>;
  /** Revokes for clients and users that a change of the running server's configuration removes. */
  atChange(before: Configured, after: Configured): Promise<void>;
}

export interface RemovalsDependencies {
  readonly store: TokenStore;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Tracks configured clients and users in the store, because one can be removed from the configuration while no server runs.
 * Its tokens must not stay valid until they expire.
 *
 * During a rolling change, a server with the previous configuration continues to issue tokens to a removed client. Therefore
 * each server that starts with the new configuration revokes again.
 */
export function createRemovals(
  { secret }: Pick<AuthorizationServerConfig, 'secret'>,
  { store, now }: RemovalsDependencies,
): Removals {
  async function revoke(entries: readonly Entry[]): Promise<void> {
    for (const [kind, name] of entries) await store.revokeOwner(ownerOf(kind, name));
  }

  return {
    async atStart(config) {
      const present = entriesOf(config);
      const text = await store.keepFirst(NAME, JSON.stringify(present), secret);
      const removed = without(JSON.parse(text) as Entry[], present);
      await revoke(removed);
      if (text === JSON.stringify(present)) return;
      await store.changeKept(NAME, secret, (kept) => {
        const recentlyRemoved = without(JSON.parse(kept) as Entry[], present)
          .map(([kind, name, at]): Entry => [kind, name, at || now()])
          .filter(([, , at]) => now() - at < REVOKE_AGAIN_FOR);
        return JSON.stringify([...present, ...recentlyRemoved]);
      });
    },
    async atChange(before, after) {
      const [known, present] = [entriesOf(before), entriesOf(after)];
      const [removed, added] = [without(known, present), without(present, known)];
      if (removed.length + added.length === 0) return;
      await store.changeKept(NAME, secret, (kept) => {
        const others = without(JSON.parse(kept) as Entry[], [...removed, ...added]);
        return JSON.stringify([...others, ...added, ...removed.map(([kind, name]) => [kind, name, now()])]);
      });
      await revoke(removed);
    },
  };
}

function ownerOf(kind: Entry[0], name: string): RecordOwner {
  return kind === 'client' ? { client: name } : { user: name };
}

function entriesOf({ clients, users }: Configured): Entry[] {
  return [...clients.map(({ id }): Entry => ['client', id, 0]), ...users.map(({ id }): Entry => ['user', id, 0])];
}

/** The entries that are not among `others`, whatever their times of removal. */
function without(entries: readonly Entry[], others: readonly Entry[]): Entry[] {
  const named = ([kind, name]: Entry) => `${kind} ${name}`;
  const names = new Set(others.map(named));
  return entries.filter((entry) => !names.has(named(entry)));
}

import type { RecordOwner, TokenStore } from '@tallystick/token-store';
import type { AuthorizationServerConfig } from '../config/config.ts';

/** What the store keeps of who was configured: the names, and since when they are not configured any more. */
const NAME = 'configured';

/** Milliseconds for which those that were removed are revoked again at each start: longer than servers take to change one by one. */
const REVOKED_AGAIN = 24 * 60 * 60 * 1000;

type Configured = Pick<AuthorizationServerConfig, 'clients' | 'users'>;

/** Of a client or a user: when it was removed, in epoch milliseconds; 0 for one that is there. */
type Entry = readonly ['client' | 'user', string, number];

/** Revokes what was issued to clients and users that are not configured any more. */
export interface Departures {
  /** The server starts: those go that were configured when another one started, or before this one was started again. */
  atStart(config: Configured): Promise<void>;
  /** The server goes on with another configuration. */
  between(before: Configured, after: Configured): Promise<void>;
}

export interface DeparturesDependencies {
  readonly store: TokenStore;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Follows who is configured. The names are in the store, since a client may leave the configuration while no server runs, and
 * its tokens must not wait for their expiry then.
 *
 * Servers that are changed one by one do not agree for a while: one that still has a client goes on issuing tokens to it. So
 * a server that starts without it revokes what it was issued once more.
 */
export function createDepartures(
  { secret }: Pick<AuthorizationServerConfig, 'secret'>,
  { store, now }: DeparturesDependencies,
): Departures {
  async function revoke(entries: readonly Entry[]): Promise<void> {
    for (const [kind, name] of entries) await store.revokeOwner(ownerOf(kind, name));
  }

  return {
    async atStart(config) {
      const present = entriesOf(config);
      const text = await store.keepFirst(NAME, JSON.stringify(present), secret);
      const gone = without(JSON.parse(text) as Entry[], present);
      await revoke(gone);
      if (text === JSON.stringify(present)) return;
      await store.changeKept(NAME, secret, (kept) => {
        const recently = without(JSON.parse(kept) as Entry[], present)
          .map(([kind, name, at]): Entry => [kind, name, at || now()])
          .filter(([, , at]) => now() - at < REVOKED_AGAIN);
        return JSON.stringify([...present, ...recently]);
      });
    },
    async between(before, after) {
      const [known, present] = [entriesOf(before), entriesOf(after)];
      const [gone, come] = [without(known, present), without(present, known)];
      if (gone.length + come.length === 0) return;
      await store.changeKept(NAME, secret, (kept) => {
        const others = without(JSON.parse(kept) as Entry[], [...gone, ...come]);
        return JSON.stringify([...others, ...come, ...gone.map(([kind, name]) => [kind, name, now()])]);
      });
      await revoke(gone);
    },
  };
}

function ownerOf(kind: Entry[0], name: string): RecordOwner {
  return kind === 'client' ? { client: name } : { user: name };
}

function entriesOf({ clients, users }: Configured): Entry[] {
  return [...clients.map(({ id }): Entry => ['client', id, 0]), ...users.map(({ id }): Entry => ['user', id, 0])];
}

/** Those of the first that are not among the second. */
function without(entries: readonly Entry[], others: readonly Entry[]): Entry[] {
  const named = ([kind, name]: Entry) => `${kind} ${name}`;
  const names = new Set(others.map(named));
  return entries.filter((entry) => !names.has(named(entry)));
}

import { CLEARED, type FeedListener, isTokenKey } from './backend.ts';

/** Maximum number of revocations that are remembered. */
const MAX_REMEMBERED = 100_000;

/** Decides whether an entry that a replica has can be trusted. */
export interface ReplicaTrust extends FeedListener {
  /** Whether every revocation that a replica may not have seen yet has been received. */
  mayRead(): boolean;
  /** Whether an entry was revoked so recently that a replica may still have it. */
  wasRevoked(hashedId: string): boolean;
}

/**
 * A replica lags behind its master by at most `maxLag`. If the feed was connected for that long and reported no revocation of a token,
 * the token was not revoked in the state that the replica has. While the feed is down, and for `maxLag` after it connects, no replica
 * is trusted.
 *
 * @param maxLag maximum replication lag in milliseconds
 */
export function createReplicaTrust(maxLag: number): ReplicaTrust {
  /** Time of each revocation on the monotonic clock, oldest first. */
  const revoked = new Map<string, number>();
  let completeFrom = Number.POSITIVE_INFINITY;

  function restart() {
    revoked.clear();
    completeFrom = performance.now() + maxLag;
  }

  function forgetOld() {
    const old = performance.now() - maxLag;
    for (const [hashedId, receivedAt] of revoked) {
      if (receivedAt > old) return;
      revoked.delete(hashedId);
    }
  }

  return {
    mayRead: () => performance.now() >= completeFrom,
    wasRevoked: (hashedId) => revoked.has(hashedId),
    message(hashedId) {
      if (hashedId === CLEARED) {
        restart();
        return;
      }
      if (!isTokenKey(hashedId)) return;
      forgetOld();
      if (revoked.size >= MAX_REMEMBERED) restart();
      revoked.delete(hashedId);
      revoked.set(hashedId, performance.now());
    },
    connected: restart,
    disconnected() {
      completeFrom = Number.POSITIVE_INFINITY;
    },
  };
}

import { CLEARED, type FeedListener, isTokenKey } from './backend.ts';

/** How many revocations are remembered at most. */
const MAX_REMEMBERED = 100_000;

/** Whether what a replica still has can be believed. */
export interface ReplicaTrust extends FeedListener {
  /** Every revocation that a replica may not have seen yet was heard. */
  mayRead(): boolean;
  /** Lately: a replica may still have the entry. */
  wasRevoked(hashedId: string): boolean;
}

/**
 * A replica is at most so far behind its master. So a token whose revocation was not heard in that time, by somebody who
 * listened all the time, was not revoked when the replica's state was the master's. Until that long after the feed came up,
 * and while it is down, no replica is believed.
 *
 * @param maxLag milliseconds
 */
export function createReplicaTrust(maxLag: number): ReplicaTrust {
  /** When each was heard of, oldest first. A clock that is set must not make it forget too early. */
  const revoked = new Map<string, number>();
  let completeFrom = Number.POSITIVE_INFINITY;

  function startAgain() {
    revoked.clear();
    completeFrom = performance.now() + maxLag;
  }

  function forgetOld() {
    const old = performance.now() - maxLag;
    for (const [hashedId, heard] of revoked) {
      if (heard > old) return;
      revoked.delete(hashedId);
    }
  }

  return {
    mayRead: () => performance.now() >= completeFrom,
    wasRevoked: (hashedId) => revoked.has(hashedId),
    message(hashedId) {
      if (hashedId === CLEARED) {
        startAgain();
        return;
      }
      if (!isTokenKey(hashedId)) return;
      forgetOld();
      if (revoked.size >= MAX_REMEMBERED) startAgain();
      revoked.delete(hashedId);
      revoked.set(hashedId, performance.now());
    },
    connected: startAgain,
    disconnected() {
      completeFrom = Number.POSITIVE_INFINITY;
    },
  };
}

import type { Log } from '@tallystick/common';
import { type RevocationListener, SIGNING_KEYS } from '@tallystick/token-store';
import type { FeedState, Metrics } from '../operations/metrics.ts';

export interface RevocationFeedDependencies {
  readonly cache: RevocationListener;
  /** The authorization servers on this store have other keys, or may have. */
  readonly keysChanged: () => void;
  readonly log: Log;
  readonly metrics?: Pick<Metrics, 'revocationHeard'> | undefined;
}

/** What is heard on the revocation feed reaches the cache, the keys, the log and the metrics. */
export interface RevocationFeed {
  readonly listener: RevocationListener;
  state(): FeedState;
}

export function createRevocationFeed({ cache, keysChanged, log, metrics }: RevocationFeedDependencies): RevocationFeed {
  let isUp = false;
  let lag = 0;
  /** A change of the keys may have been missed. */
  let wasDown = false;
  return {
    listener: {
      revoked(key) {
        cache.revoked(key);
        metrics?.revocationHeard();
      },
      // Its state is worth a line in the log: without it every request is a lookup.
      connected() {
        isUp = true;
        log.info({}, 'revocations are heard: the cache is in use');
        cache.connected();
        if (wasDown) keysChanged();
        wasDown = false;
      },
      disconnected() {
        isUp = false;
        wasDown = true;
        log.warn({}, 'revocations are not heard: the cache is flushed and bypassed');
        cache.disconnected();
      },
      keptChanged(name) {
        if (name === SIGNING_KEYS) keysChanged();
      },
      checked(milliseconds) {
        lag = milliseconds;
      },
    },
    state: () => ({ isUp, lag }),
  };
}

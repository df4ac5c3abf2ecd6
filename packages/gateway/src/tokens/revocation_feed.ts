import type { Log } from '@tallystick/common';
import { type RevocationListener, SIGNING_KEYS } from '@tallystick/token-store';
import type { FeedState, Metrics } from '../operations/metrics.ts';

export interface RevocationFeedDependencies {
  readonly cache: RevocationListener;
  /** Called when the authorization servers on this store changed their keys, or may have. */
  readonly keysChanged: () => void;
  readonly log: Log;
  readonly metrics?: Pick<Metrics, 'revocationHeard'> | undefined;
}

/** Passes the events of the revocation feed on to the cache, the keys, the log and the metrics. */
export interface RevocationFeed {
  readonly listener: RevocationListener;
  state(): FeedState;
}

export function createRevocationFeed({ cache, keysChanged, log, metrics }: RevocationFeedDependencies): RevocationFeed {
  let isUp = false;
  let lag = 0;
  /** A change of keys may have been missed. */
  let wasDown = false;
  return {
    listener: {
      revoked(key) {
        cache.revoked(key);
        metrics?.revocationHeard();
      },
      // The state of the feed is logged: without it every request needs a lookup.
      connected() {
        isUp = true;
        log.info({}, 'revocation feed connected, cache enabled');
        cache.connected();
        if (wasDown) keysChanged();
        wasDown = false;
      },
      disconnected() {
        isUp = false;
        wasDown = true;
        log.warn({}, 'revocation feed disconnected, cache flushed and bypassed');
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

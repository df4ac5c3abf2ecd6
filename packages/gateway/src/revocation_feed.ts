import type { RevocationListener } from '@tallystick/token-store';
import type { Log } from './log.ts';
import type { FeedState, Metrics } from './metrics/create_metrics.ts';

export interface RevocationFeedDependencies {
  readonly cache: RevocationListener;
  readonly log: Log;
  readonly metrics?: Pick<Metrics, 'revocationHeard'> | undefined;
}

/** What is heard on the revocation feed reaches the cache, the log and the metrics. */
export interface RevocationFeed {
  readonly listener: RevocationListener;
  state(): FeedState;
}

export function createRevocationFeed({ cache, log, metrics }: RevocationFeedDependencies): RevocationFeed {
  let isUp = false;
  let lag = 0;
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
      },
      disconnected() {
        isUp = false;
        log.warn({}, 'revocations are not heard: the cache is flushed and bypassed');
        cache.disconnected();
      },
      checked(milliseconds) {
        lag = milliseconds;
      },
    },
    state: () => ({ isUp, lag }),
  };
}

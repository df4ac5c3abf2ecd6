import type { RevocationListener } from '@tallystick/token-store';
import type { Log } from './log.ts';

/** The state of the revocation feed is worth a line in the log: without it every request is a lookup. */
export function announcing(cache: RevocationListener, log: Log): RevocationListener {
  return {
    revoked: (key) => cache.revoked(key),
    connected() {
      log.info({}, 'revocations are heard: the cache is in use');
      cache.connected();
    },
    disconnected() {
      log.warn({}, 'revocations are not heard: the cache is flushed and bypassed');
      cache.disconnected();
    },
  };
}

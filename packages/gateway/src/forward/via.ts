import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Tells who has passed a request on (RFC 9110 section 7.6.3), so that one that comes back is known again. */
export interface Via {
  /** Whether this gateway has passed the request on before. */
  hasPassed(request: Pick<IncomingMessage, 'headers'>): boolean;
  /** The `Via` of the request that goes upstream. */
  appended(request: Pick<IncomingMessage, 'headers' | 'httpVersion'>): string;
}

/**
 * Makes the `Via` of one gateway. Its pseudonym is random: it tells nobody where the gateway runs, and another gateway of
 * the same kind is another one.
 */
export function createVia(): Via {
  const pseudonym = `tallystick-${randomBytes(9).toString('base64url')}`;
  const received = { '1.0': `1.0 ${pseudonym}`, '1.1': `1.1 ${pseudonym}` } as Readonly<Record<string, string>>;
  return {
    hasPassed: ({ headers: { via } }) => via?.includes(pseudonym) === true,
    appended({ headers: { via }, httpVersion }) {
      const own = received[httpVersion] ?? `${httpVersion} ${pseudonym}`;
      return via === undefined || via === '' ? own : `${via}, ${own}`;
    },
  };
}

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Marks forwarded requests (RFC 9110 section 7.6.3), so that the gateway recognizes a request that comes back. */
export interface Via {
  /** Whether this gateway has forwarded the request before. */
  hasPassed(request: Pick<IncomingMessage, 'headers'>): boolean;
  /** The `Via` header of the upstream request. */
  appended(request: Pick<IncomingMessage, 'headers' | 'httpVersion'>): string;
}

/**
 * Creates the `Via` of one gateway. Its pseudonym is random, so that it does not reveal where the gateway runs and differs from
 * the pseudonym of every other gateway.
 */
export function createVia(): Via {
  const pseudonym = `tallystick-${randomBytes(9).toString('base64url')}`;
  const own = { '1.0': `1.0 ${pseudonym}`, '1.1': `1.1 ${pseudonym}` } as Readonly<Record<string, string>>;
  return {
    hasPassed: ({ headers: { via } }) => via?.includes(pseudonym) === true,
    appended({ headers: { via }, httpVersion }) {
      const member = own[httpVersion] ?? `${httpVersion} ${pseudonym}`;
      return via === undefined || via === '' ? member : `${via}, ${member}`;
    },
  };
}

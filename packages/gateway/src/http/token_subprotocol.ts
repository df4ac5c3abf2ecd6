import type { IncomingMessage } from 'node:http';
import { listMembers } from '@tallystick/common';
import { AccessTokenError } from '@tallystick/resource-server';
import { RequestError } from './errors.ts';

/**
 * Reads the access token of an opening handshake from a subprotocol that it is hidden in, since a page can send no other header with a
 * WebSocket (RFC 6455 section 4.1).
 *
 * @param prefix of that subprotocol; what follows is the token
 * @returns undefined for a request that is no handshake, or has none
 * @throws {RequestError} `invalid_request` for two tokens
 * @throws {AccessTokenError} `invalid_token` for what is none
 */
export function readTokenSubprotocol({ headers }: IncomingMessage, prefix: string): string | undefined {
  const offered = headers['sec-websocket-protocol'];
  if (headers.upgrade === undefined || offered === undefined || !offered.includes(prefix)) return undefined;
  const [found, ...others] = listMembers(offered).filter((member) => member.startsWith(prefix));
  if (found === undefined) return undefined;
  // RFC 6750 section 2: one way to send a token, not two.
  if (others.length > 0 || headers.authorization !== undefined) {
    throw new RequestError('invalid_request', 'the request has more than one access token');
  }
  const token = found.slice(prefix.length);
  if (!/^[\w.~+-]+$/.test(token)) {
    throw new AccessTokenError('invalid_token', 'the subprotocol does not carry one well-formed access token');
  }
  return token;
}

/** The subprotocols that an API gets to choose from: those that hold no token. */
export function withoutTokenSubprotocols(offered: string, prefix: string): string | undefined {
  const others = listMembers(offered).filter((member) => !member.startsWith(prefix));
  return others.length > 0 ? others.join(', ') : undefined;
}

import type { IncomingMessage } from 'node:http';
import { listMembers } from '@tallystick/common';
import { AccessTokenError } from '@tallystick/resource-server';
import { RequestError } from './errors.ts';

/**
 * Reads the access token of a WebSocket handshake from a subprotocol. A web page can set no other header of the handshake (RFC 6455
 * section 4.1).
 *
 * @param prefix the part of the subprotocol before the token
 * @returns undefined for a request that is not a handshake, or has no such subprotocol
 * @throws {RequestError} `invalid_request` for two tokens
 * @throws {AccessTokenError} `invalid_token` for a malformed token
 */
export function readTokenSubprotocol({ headers }: IncomingMessage, prefix: string): string | undefined {
  const offered = headers['sec-websocket-protocol'];
  if (headers.upgrade === undefined || offered === undefined || !offered.includes(prefix)) return undefined;
  const [found, ...others] = listMembers(offered).filter((member) => member.startsWith(prefix));
  if (found === undefined) return undefined;
  // RFC 6750 section 2: a client must not use more than one method to send a token.
  if (others.length > 0 || headers.authorization !== undefined) {
    throw new RequestError('invalid_request', 'the request has more than one access token');
  }
  const token = found.slice(prefix.length);
  if (!/^[\w.~+-]+$/.test(token)) {
    throw new AccessTokenError('invalid_token', 'the subprotocol does not carry one well-formed access token');
  }
  return token;
}

/** Removes the subprotocols that hold a token. @returns undefined when none is left */
export function withoutTokenSubprotocols(offered: string, prefix: string): string | undefined {
  const others = listMembers(offered).filter((member) => !member.startsWith(prefix));
  return others.length > 0 ? others.join(', ') : undefined;
}

import type { IncomingMessage } from 'node:http';
import { RequestError } from './errors.ts';

/**
 * What a request to upgrade the connection must be: the opening handshake of a WebSocket (RFC 6455 section 4.1). Any other protocol
 * (`h2c`) would be a tunnel whose requests nobody looks at.
 *
 * @throws {RequestError} `invalid_request`
 */
export function checkHandshake({ method, headers, httpVersion }: IncomingMessage): void {
  if (headers.upgrade?.toLowerCase() !== 'websocket' || method !== 'GET' || httpVersion !== '1.1') {
    throw new RequestError('invalid_request', 'only GET requests of HTTP/1.1 can be upgraded, and only to WebSocket');
  }
}

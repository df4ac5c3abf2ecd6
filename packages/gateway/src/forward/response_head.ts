import type { IncomingMessage, ServerResponse } from 'node:http';
import { listMembers } from '@tallystick/common';

/** RFC 9110 section 7.6.1. `trailer`: trailers are not passed on, and Node.js throws for the header on a framed body. */
const hopByHopHeaders = ['keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** What `Connection` mostly says, which names no other header. */
const isPersistence = /^(?:keep-alive|close)$/i;

/** What Node.js lets stand in a status line (RFC 9112 section 4). */
const reasonPhrase = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether a response may be passed on: its status is a final one, and its body is framed in a way that is understood. */
export function isForwardable(upstreamResponse: IncomingMessage): boolean {
  const { statusCode = 0, headers } = upstreamResponse;
  const transferEncoding = headers['transfer-encoding'];
  return statusCode >= 200 && (transferEncoding === undefined || transferEncoding.toLowerCase() === 'chunked');
}

/** Takes out of an upstream's response what was meant for the gateway only. How the body is framed is decided anew. */
export function cleanResponseHead(upstreamResponse: IncomingMessage, response: ServerResponse): void {
  const { headers } = upstreamResponse;
  const { connection } = headers;
  if (connection !== undefined && !isPersistence.test(connection)) {
    for (const name of listMembers(connection.toLowerCase())) if (name !== 'content-length') delete headers[name];
  }
  // What is not there is not deleted: an object that something is deleted from is slow from then on.
  for (const name of hopByHopHeaders) if (headers[name] !== undefined) delete headers[name];
  // A client has one nonce for one server (RFC 9449 section 8.1), and here that is the gateway.
  if (response.hasHeader('dpop-nonce')) delete headers['dpop-nonce'];
  headers.connection = response.shouldKeepAlive ? 'keep-alive' : 'close';
  if (!reasonPhrase.test(upstreamResponse.statusMessage ?? '')) upstreamResponse.statusMessage = '';
}

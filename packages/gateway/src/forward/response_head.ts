import type { ClientRequest, IncomingMessage, InformationEvent, ServerResponse } from 'node:http';
import { listMembers } from '@tallystick/common';

/** RFC 9110 section 7.6.1. Trailers are not passed on, and Node.js throws for `trailer` with `Content-Length`. */
const hopByHopHeaders = ['keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** The usual values of `Connection`, which name no other header. */
const isPersistence = /^(?:keep-alive|close)$/i;

/** The characters that Node.js accepts in a status line (RFC 9112 section 4). */
const reasonPhrase = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether a response can be passed on: it has a final status, and a supported transfer coding. */
export function isForwardable(upstreamResponse: IncomingMessage): boolean {
  const { statusCode = 0, headers } = upstreamResponse;
  const transferEncoding = headers['transfer-encoding'];
  return statusCode >= 200 && (transferEncoding === undefined || transferEncoding.toLowerCase() === 'chunked');
}

/** Removes headers that are for the gateway only. Node.js frames the body again for the client. */
export function cleanResponseHead(upstreamResponse: IncomingMessage, response: ServerResponse): void {
  const { headers } = upstreamResponse;
  const { connection } = headers;
  if (connection !== undefined && !isPersistence.test(connection)) {
    for (const name of listMembers(connection.toLowerCase())) if (name !== 'content-length') delete headers[name];
  }
  // Only present headers are deleted: V8 makes every object slow from which something was deleted.
  for (const name of hopByHopHeaders) if (headers[name] !== undefined) delete headers[name];
  // A client keeps one nonce per server (RFC 9449 section 8.1), and for it the server is the gateway.
  if (response.hasHeader('dpop-nonce')) delete headers['dpop-nonce'];
  headers.connection = response.shouldKeepAlive ? 'keep-alive' : 'close';
  if (!reasonPhrase.test(upstreamResponse.statusMessage ?? '')) upstreamResponse.statusMessage = '';
}

/** Per request. A real API sends one or two; an unlimited number would let an API flood the client. */
const maximumInterimResponses = 32;

/**
 * Passes on interim responses (RFC 9110 section 15.2): 102 (Processing) and 103 (Early Hints, RFC 8297). Of the headers of a 103
 * only `Link` has a meaning.
 */
export function passInterimResponses(upstreamRequest: ClientRequest, response: ServerResponse): void {
  // HTTP/1.0 has no interim responses.
  if (response.req.httpVersion !== '1.1') return;
  let passed = 0;
  upstreamRequest.on('information', ({ statusCode, headers }: InformationEvent) => {
    // If the client reads too slowly, interim responses are dropped, so that they do not pile up in memory.
    const isTooSlow = response.socket?.writableNeedDrain;
    if (response.headersSent || response.destroyed || passed === maximumInterimResponses || isTooSlow) return;
    passed += 1;
    if (statusCode === 102) response.writeProcessing();
    if (statusCode === 103 && headers.link !== undefined) writeEarlyHints(response, headers.link);
  });
}

/** Node.js throws for links that it cannot parse. Such a hint is dropped: the response matters more. */
function writeEarlyHints(response: ServerResponse, link: string | string[]): void {
  try {
    response.writeEarlyHints({ link });
  } catch {
    // The hint is dropped.
  }
}

import type { ClientRequest, IncomingMessage, InformationEvent, ServerResponse } from 'node:http';
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

/** For one request. A real API sends one or two; more would be a flood of what costs the API nothing. */
const mostPassed = 32;

/**
 * Passes on what an upstream says before its response (RFC 9110 section 15.2): that it is at work (102), and which resources the
 * client may fetch already (103, RFC 8297). Of the headers of a 103 only `Link` means anything yet.
 */
export function passInterimResponses(upstreamRequest: ClientRequest, response: ServerResponse): void {
  // A client of HTTP/1.0 does not know them.
  if (response.req.httpVersion !== '1.1') return;
  let passed = 0;
  upstreamRequest.on('information', ({ statusCode, headers }: InformationEvent) => {
    // One that the client is too slow for is dropped: nothing waits for it, and it must not pile up here.
    if (response.headersSent || response.destroyed || passed === mostPassed || response.socket?.writableNeedDrain)
      return;
    passed += 1;
    if (statusCode === 102) response.writeProcessing();
    if (statusCode === 103 && headers.link !== undefined) writeEarlyHints(response, headers.link);
  });
}

/** Node.js throws for links that it does not understand. A hint may be lost; it is not worth a response. */
function writeEarlyHints(response: ServerResponse, link: string | string[]): void {
  try {
    response.writeEarlyHints({ link });
  } catch {
    // As if there had been none.
  }
}

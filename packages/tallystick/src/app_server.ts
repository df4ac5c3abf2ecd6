import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Bytes: room for a 30 KB JWT among many other headers. */
const MAX_HEADER_SIZE = 64 * 1024;

export interface AppServer {
  readonly server: Server;
  /** Until then requests get 503: who listens on a port of the system's choice has to listen before it knows who it is. */
  answerWith(handler: RequestListener): void;
}

/** An HTTP server for the authorization server and the sample API. The gateway brings its own. */
export function createAppServer(): AppServer {
  let current: RequestListener = (_request, response) => response.writeHead(503, { 'Retry-After': '1' }).end();
  const server = createServer({ maxHeaderSize: MAX_HEADER_SIZE }, (request, response) => current(request, response));
  server.on('clientError', refuseUnreadable);
  return {
    server,
    answerWith(handler) {
      current = handler;
    },
  };
}

/** A request that is no HTTP gets an OAuth error (RFC 6749 section 5.2) like any other bad request. */
function refuseUnreadable(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const status = tooLarge ? 431 : 400;
  const description = tooLarge
    ? `the headers are larger than ${MAX_HEADER_SIZE} bytes`
    : 'the request is not valid HTTP';
  const body = JSON.stringify({ error: 'invalid_request', error_description: description });
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
}

import { createServer, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';

/** Bytes: room for a 30 KB JWT among many other headers. */
const MAX_HEADER_SIZE = 64 * 1024;

export interface AppServer {
  readonly server: Server;
  /** Until then requests get 503: who listens on a port of the system's choice has to listen before it knows who it is. */
  answerWith(handler: RequestListener): void;
  /** From now on each answer closes its connection, also those to requests that have begun. */
  drain(): void;
}

/** How a server speaks TLS. Certificates and keys are PEM. */
export interface ServerTls {
  /** The server's certificate, those of intermediate CAs after it. */
  readonly cert: string;
  readonly key: string;
  /** Asks clients for a certificate, which may be of anyone or missing; one of these CAs makes the socket `authorized`. */
  readonly clientCas?: readonly string[];
}

export interface AppServerOptions {
  /** Default: plain HTTP. */
  readonly tls?: ServerTls | undefined;
  /** Milliseconds for which an idle connection stays open. */
  readonly keepAliveTimeout: number;
}

/** An HTTP server for everything but the gateway's APIs: the gateway brings its own for these. */
export function createAppServer({ tls, keepAliveTimeout }: AppServerOptions): AppServer {
  let current: RequestListener = (_request, response) => response.writeHead(503, { 'Retry-After': '1' }).end();
  const inFlight = new Set<ServerResponse>();
  let draining = false;
  const answer: RequestListener = (request, response) => {
    inFlight.add(response);
    response.once('close', () => inFlight.delete(response));
    if (draining) response.shouldKeepAlive = false;
    current(request, response);
  };
  const options = { maxHeaderSize: MAX_HEADER_SIZE, keepAliveTimeout };
  const server =
    tls === undefined ? createServer(options, answer) : createTlsServer({ ...options, ...tlsOptions(tls) }, answer);
  server.on('clientError', refuseUnreadable);
  return {
    server,
    answerWith(handler) {
      current = handler;
    },
    drain() {
      draining = true;
      for (const response of inFlight) response.shouldKeepAlive = false;
    },
  };
}

function tlsOptions({ cert, key, clientCas }: ServerTls): ServerOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    /** Milliseconds: no longer than a server waits for its last connections when it stops. */
    handshakeTimeout: 10_000,
    requestCert: clientCas !== undefined,
    // Self-signed ones are good for `self_signed_tls_client_auth` (RFC 8705 section 2.2): who asks for one judges it.
    rejectUnauthorized: false,
    // Never the public CAs, which Node.js would take by default: they certify servers, not clients of ours.
    ca: [...(clientCas ?? [])],
  };
}

/** A request that is no HTTP gets an OAuth error (RFC 6749 section 5.2) like any other bad request. */
function refuseUnreadable(error: Error & { code?: string }, socket: Duplex): void {
  const isOfHttp = /^(HPE|ERR_HTTP)_/.test(error.code ?? ''); // The connection failed, or TLS, before there was one.
  if (!isOfHttp || !socket.writable) {
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

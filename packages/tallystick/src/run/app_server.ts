import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import {
  type AllowsHost,
  answerUnreadable,
  checkRequest,
  type FindReadiness,
  findTargetFault,
  type PlainAnswer,
  type RequestFault,
  readinessAnswer,
} from '@tallystick/common';

/** Bytes: room for a 30 KB JWT among many other headers. */
const MAX_HEADER_SIZE = 64 * 1024;

export interface AppServer {
  readonly server: Server;
  /**
   * Until then requests get 503: a server on a port of the system's choice has to listen before it knows its own address.
   *
   * @param findReadiness says what the application depends on and does not have, for `/readyz`; without it there is no such page
   */
  answerWith(handler: RequestListener, findReadiness?: FindReadiness): void;
  /** From now on each answer closes its connection, also those to requests that have begun, and `/readyz` says no. */
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
  /** For which hosts it answers. Default: any. */
  readonly allowsHost?: AllowsHost | undefined;
  /** Milliseconds for which an idle connection stays open. */
  readonly keepAliveTimeout: number;
}

/** An HTTP server for everything but the gateway's APIs: the gateway brings its own for these. */
export function createAppServer({ tls, allowsHost, keepAliveTimeout }: AppServerOptions): AppServer {
  let current: RequestListener = (_request, response) => response.writeHead(503, { 'Retry-After': '1' }).end();
  let readiness: FindReadiness | undefined;
  const inFlight = new Set<ServerResponse>();
  const latest = new WeakMap<Duplex, ServerResponse>();
  let draining = false;
  const answer: RequestListener = (request, response) => {
    latest.set(request.socket, response);
    inFlight.add(response);
    response.once('close', () => inFlight.delete(response));
    if (draining) response.shouldKeepAlive = false;
    const found = faultOf(request, allowsHost);
    if (found !== undefined) respond(response, refusal(found));
    else if (readiness !== undefined && request.url === '/readyz') void answerReadiness(readiness, response);
    else current(request, response);
  };
  async function answerReadiness(findReadiness: FindReadiness, response: ServerResponse): Promise<void> {
    const { unready, ...found } = await findReadiness();
    respond(response, readinessAnswer({ unready: [...(draining ? ['draining'] : []), ...unready], ...found }));
  }

  const options = {
    maxHeaderSize: MAX_HEADER_SIZE,
    keepAliveTimeout,
    // The server answers for itself, in JSON.
    requireHostHeader: false,
    // Never lenient, whatever the process was started with.
    insecureHTTPParser: false,
  };
  const server =
    tls === undefined ? createServer(options, answer) : createTlsServer({ ...options, ...tlsOptions(tls) }, answer);
  // RFC 9110 section 10.1.1: what is expected but `100-continue` may be overlooked. Node.js would answer for itself.
  server.on('checkExpectation', answer);
  answerUnreadable(server, { lastResponse: (socket) => latest.get(socket), answer: refusal });
  return {
    server,
    answerWith(handler, findReadiness) {
      current = handler;
      readiness = findReadiness;
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

/** An OAuth error (RFC 6749 section 5.2). The connection ends with it: what follows may have been framed otherwise. */
function refusal({ status, code, description }: RequestFault): PlainAnswer {
  const error = code === 'method_not_allowed' || code === 'misdirected_request' ? code : 'invalid_request';
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', Connection: 'close' };
  return { status, headers, body: JSON.stringify({ error, error_description: description }) };
}

/** @returns undefined for a request that the application may see */
function faultOf(request: IncomingMessage, allowsHost: AllowsHost | undefined): RequestFault | undefined {
  const found = checkRequest(request, allowsHost);
  if (found !== undefined) return found;
  const description = findTargetFault(request.url ?? '');
  return description === undefined ? undefined : { status: 400, code: 'invalid_request', description };
}

function respond(response: ServerResponse, { status, headers, body }: PlainAnswer): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import {
  type AllowsHost,
  answerUnreadable,
  checkRequest,
  type FindReadiness,
  findTargetFault,
  HEALTH_PATHS,
  type Log,
  livenessAnswer,
  type PlainAnswer,
  type RequestFault,
  readinessAnswer,
} from '@tallystick/common';

/** Bytes. Leaves room for a JWT of 30 KB among many other headers. */
const MAX_HEADER_SIZE = 64 * 1024;

export interface AppServer {
  readonly server: Server;
  /**
   * Passes requests to an application, except for those to `/healthz` and `/readyz`. Before the first call, requests get 503: on port
   * 0 a server has to listen before it knows its own address.
   *
   * @param findReadiness finds what the application lacks, for `/readyz`. Default: the application answers `/healthz` and `/readyz`
   */
  answerWith(handler: RequestListener, findReadiness?: FindReadiness): void;
  /** Makes `/readyz` return 503, and closes each connection after its next response, including those to requests in flight. */
  drain(): void;
}

/** TLS settings of a server. Certificates and keys are PEM. */
export interface ServerTls {
  /** The server's certificate, followed by those of intermediate CAs. */
  readonly cert: string;
  readonly key: string;
  /**
   * Requests a client certificate. Connections without one are accepted, and so is any certificate; only one that these CAs signed
   * makes the socket `authorized`. Default: the server requests none.
   */
  readonly clientCas?: readonly string[] | undefined;
}

export interface AppServerOptions {
  /** Default: plain HTTP. */
  readonly tls?: ServerTls | undefined;
  /** The hosts that the server accepts in requests. Default: all. */
  readonly allowsHost?: AllowsHost | undefined;
  /** Receives requests that the application does not get. Default: nothing is logged. */
  readonly log?: Pick<Log, 'info'> | undefined;
  /** Milliseconds until an idle connection is closed. */
  readonly keepAliveTimeout: number;
}

/** Creates an HTTP server for all applications but the gateway, which has its own. */
export function createAppServer({ tls, allowsHost, log, keepAliveTimeout }: AppServerOptions): AppServer {
  let current: RequestListener = (_request, response) => response.writeHead(503, { 'Retry-After': '1' }).end();
  let readiness: FindReadiness | undefined = async () => ({ unready: ['starting'], reasons: {}, warnings: [] });
  const inFlight = new Set<ServerResponse>();
  const lastResponses = new WeakMap<Duplex, ServerResponse>();
  let draining = false;
  const answer: RequestListener = (request, response) => {
    lastResponses.set(request.socket, response);
    inFlight.add(response);
    response.once('close', () => inFlight.delete(response));
    if (draining) response.shouldKeepAlive = false;
    const fault = findFault(request, allowsHost);
    if (fault !== undefined) refuse(request, response, fault);
    else if (readiness === undefined || !isHealthPath(request.url)) current(request, response);
    else if (request.method !== 'GET' && request.method !== 'HEAD') refuse(request, response, ONLY_READ);
    else if (request.url === HEALTH_PATHS.liveness) respond(response, livenessAnswer());
    else void answerReadiness(readiness, response);
  };
  function refuse({ method }: IncomingMessage, response: ServerResponse, fault: RequestFault): void {
    const { status, code: error, description: reason } = fault;
    log?.info({ method, route: 'none', status, error, reason }, 'request refused');
    respond(response, refusal(fault));
  }
  async function answerReadiness(findReadiness: FindReadiness, response: ServerResponse): Promise<void> {
    const { unready, ...found } = await findReadiness();
    respond(response, readinessAnswer({ unready: [...(draining ? ['draining'] : []), ...unready], ...found }));
  }

  const options = {
    maxHeaderSize: MAX_HEADER_SIZE,
    keepAliveTimeout,
    // `checkRequest` refuses a request without Host, with a JSON body.
    requireHostHeader: false,
    // Overrides the --insecure-http-parser option of the process.
    insecureHTTPParser: false,
  };
  const server =
    tls === undefined ? createServer(options, answer) : createTlsServer({ ...options, ...tlsOptions(tls) }, answer);
  // RFC 9110 section 10.1.1: a server may ignore expectations other than `100-continue`. Node.js would answer them with 417.
  server.on('checkExpectation', answer);
  answerUnreadable(server, { lastResponse: (socket) => lastResponses.get(socket), answer: refusal });
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

const ONLY_READ: RequestFault = {
  status: 405,
  code: 'method_not_allowed',
  description: 'this resource supports GET and HEAD only',
};

function isHealthPath(url: string | undefined): boolean {
  return url === HEALTH_PATHS.liveness || url === HEALTH_PATHS.readiness;
}

function tlsOptions({ cert, key, clientCas }: ServerTls): ServerOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    /** Milliseconds. As long as a server that stops waits for its last connections. */
    handshakeTimeout: 10_000,
    requestCert: clientCas !== undefined,
    // The application checks certificates: `self_signed_tls_client_auth` (RFC 8705 section 2.2) accepts self-signed ones.
    rejectUnauthorized: false,
    // Node.js would trust the public CAs by default. They certify servers, not clients.
    ca: [...(clientCas ?? [])],
  };
}

/** An OAuth error (RFC 6749 section 5.2). It closes the connection, because the rest of the data may be framed in another way. */
function refusal({ status, code, description }: RequestFault): PlainAnswer {
  const error = code === 'method_not_allowed' || code === 'misdirected_request' ? code : 'invalid_request';
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', Connection: 'close' };
  return { status, headers, body: JSON.stringify({ error, error_description: description }) };
}

/** @returns undefined if the application may get the request */
function findFault(request: IncomingMessage, allowsHost: AllowsHost | undefined): RequestFault | undefined {
  const fault = checkRequest(request, allowsHost);
  if (fault !== undefined) return fault;
  const description = findTargetFault(request.url ?? '');
  return description === undefined ? undefined : { status: 400, code: 'invalid_request', description };
}

function respond(response: ServerResponse, { status, headers, body }: PlainAnswer): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

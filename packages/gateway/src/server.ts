import { createServer, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { afterDueAnswers, answerUnreadable } from '@tallystick/common';
import { refusal } from '@tallystick/resource-server';
import type { Gateway } from './gateway.ts';
import { RequestError } from './http/errors.ts';

const fixedOptions: ServerOptions = {
  /** The gateway checks `Host` itself and answers in JSON. */
  requireHostHeader: false,
  /** Strict parsing, whatever the options of the process. */
  insecureHTTPParser: false,
};

/** The TLS settings of the server. Certificates and keys are PEM. */
export interface GatewayTls {
  /** The server's certificate, followed by those of intermediate CAs. */
  readonly cert: string;
  readonly key: string;
  /** Whether to request a client certificate. The handshake accepts any certificate, and none: authorization checks it later. */
  readonly requestCert?: boolean;
}

export interface GatewayServerOptions {
  /** Default: plain HTTP. */
  readonly tls?: GatewayTls | undefined;
  /** The limit for all headers of a request together, in bytes. Default: 65,536, twice the size of a JWT of 30 KiB. */
  readonly maxHeaderBytes?: number | undefined;
  /**
   * Milliseconds in which a complete request with its body must arrive. Default: 0, without a limit as long as the body keeps arriving;
   * the gateway checks that.
   */
  readonly requestTimeout?: number | undefined;
  /**
   * Milliseconds for which an idle client connection stays open. It must exceed the idle timeout of a load balancer in front, or the
   * gateway may close a connection while a request arrives. Default: 620,000, longer than common load balancers use.
   */
  readonly keepAliveTimeout?: number | undefined;
  /** Milliseconds after which a client that does not read is disconnected. Default: 60,000. */
  readonly clientTimeout?: number | undefined;
}

/**
 * Creates an HTTP server for a gateway, which does not listen yet. It answers requests that cannot be parsed with an OAuth error.
 *
 * @throws {RangeError} for an invalid limit
 */
export function createGatewayServer(
  gateway: Pick<Gateway, 'handler' | 'upgrade' | 'unreadable'>,
  { tls, clientTimeout = 60_000, ...limits }: GatewayServerOptions = {},
): Server {
  const options = { ...fixedOptions, ...limitOptions(limits) };
  /** The response to the latest request of each connection. */
  const lastResponses = new WeakMap<Duplex, ServerResponse>();
  const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tlsOptions(tls) });
  const handle: RequestListener = (request, response) => {
    lastResponses.set(request.socket, response);
    gateway.handler(request, response);
  };
  server.on('request', handle);
  // RFC 9110 section 10.1.1: an unknown expectation may be ignored. Node.js would answer with 417.
  server.on('checkExpectation', handle);
  // Node.js would send 100 at once. The gateway sends it when it forwards the request; a refusal closes the connection.
  server.on('checkContinue', handle);
  server.on('upgrade', (request, socket, head) => {
    afterDueAnswers(socket, lastResponses.get(socket), () => gateway.upgrade(request, socket, head));
  });
  server.setTimeout(clientTimeout, (socket) => {
    const last = lastResponses.get(socket);
    // No request is in progress: the keep-alive timeout has passed.
    if (last === undefined || last.closed) socket.destroy();
    // The client waits for the API, or the API pauses.
    else if (socket.writableLength === 0) socket.setTimeout(clientTimeout);
    else last.destroy(new RequestError('request_timeout', 'the client did not read the response'));
  });
  answerUnreadable(server, {
    lastResponse: (socket) => lastResponses.get(socket),
    answer({ code, description }) {
      const error = new RequestError(code, description);
      gateway.unreadable(error);
      return refusal(error);
    },
  });
  return server;
}

function limitOptions({
  maxHeaderBytes = 64 * 1024,
  requestTimeout = 0,
  keepAliveTimeout = 620_000,
}: GatewayServerOptions): ServerOptions {
  /** Milliseconds. A client whose headers take longer is an attacker. */
  const headersTimeout = requestTimeout === 0 ? 20_000 : Math.min(20_000, requestTimeout);
  return {
    maxHeaderSize: maxHeaderBytes,
    requestTimeout,
    headersTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval: Math.min(5_000, headersTimeout),
  };
}

function tlsOptions({ cert, key, requestCert = false }: GatewayTls): TlsServerOptions {
  return {
    cert,
    key,
    requestCert,
    // A certificate of any issuer can bind a token (RFC 8705 section 3), and some routes need no certificate.
    rejectUnauthorized: false,
    ca: [],
    minVersion: 'TLSv1.2',
    /** Milliseconds. Not longer than a stopping server waits for its last connections. */
    handshakeTimeout: 10_000,
  };
}

import { createServer, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { afterEarlierResponses, answerUnreadable } from '@tallystick/common';
import { refusal } from '@tallystick/resource-server';
import type { GatewayConfig } from './config/config.ts';
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

/**
 * Creates an HTTP server for a gateway, which does not listen yet. It answers requests that cannot be parsed with an OAuth error.
 *
 * @param tls default: plain HTTP
 * @throws {RangeError} for an invalid limit
 */
export function createGatewayServer(
  gateway: Pick<Gateway, 'handler' | 'upgrade' | 'unreadable'>,
  config: Pick<GatewayConfig, 'limits' | 'timeouts'>,
  tls?: GatewayTls,
): Server {
  const options = { ...fixedOptions, ...limitOptions(config) };
  const clientTimeout = config.timeouts.client;
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
    afterEarlierResponses(socket, lastResponses.get(socket), () => gateway.upgrade(request, socket, head));
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

function limitOptions({ limits, timeouts }: Pick<GatewayConfig, 'limits' | 'timeouts'>): ServerOptions {
  // Without a limit for the whole request, the gateway checks that the body keeps arriving.
  const { keepAlive, request: requestTimeout = 0 } = timeouts;
  /** Milliseconds. A client whose headers take longer is an attacker. */
  const headersTimeout = requestTimeout === 0 ? 20_000 : Math.min(20_000, requestTimeout);
  return {
    maxHeaderSize: limits.maxHeaderBytes,
    requestTimeout,
    headersTimeout,
    keepAliveTimeout: keepAlive,
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

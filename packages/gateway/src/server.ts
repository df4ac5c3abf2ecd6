import { createServer, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { afterDueAnswers, answerUnreadable } from '@tallystick/common';
import { refusal } from '@tallystick/resource-server';
import type { Gateway } from './gateway.ts';
import { RequestError } from './http/errors.ts';

const always: ServerOptions = {
  /** The gateway answers for itself, in JSON. */
  requireHostHeader: false,
  /** Never lenient, whatever the process was started with. */
  insecureHTTPParser: false,
};

/** How the server speaks TLS. Certificates and keys are PEM. */
export interface GatewayTls {
  /** The server's certificate, those of intermediate CAs after it. */
  readonly cert: string;
  readonly key: string;
  /** Whether clients are asked for a certificate. None is refused for it: the walk looks at the certificate, whoever issued it. */
  readonly requestCert?: boolean;
}

export interface GatewayServerOptions {
  /** Default: plain HTTP. */
  readonly tls?: GatewayTls | undefined;
  /** Of all headers of a request together. Default: 65,536, room for a JWT of 30 KiB and as much again. */
  readonly maxHeaderBytes?: number | undefined;
  /**
   * Milliseconds in which a whole request must arrive, its body included. Default: 0, a body may take as long as it likes, as long
   * as it keeps coming: the gateway watches that.
   */
  readonly requestTimeout?: number | undefined;
  /**
   * Milliseconds for which an idle connection of a client stays open. It must be longer than a load balancer keeps its own, or
   * a request can meet the close. Default: 620,000, longer than the common ones.
   */
  readonly keepAliveTimeout?: number | undefined;
  /** Milliseconds after which a client that reads nothing of what it is sent is cut off. Default: 60,000. */
  readonly clientTimeout?: number | undefined;
}

/**
 * An HTTP server as a gateway needs it. It is not listening yet.
 *
 * What cannot be parsed is answered by it, as an OAuth error too.
 *
 * @throws {RangeError} for a limit that is none
 */
export function createGatewayServer(
  gateway: Pick<Gateway, 'handler' | 'upgrade' | 'unreadable'>,
  { tls, clientTimeout = 60_000, ...limits }: GatewayServerOptions = {},
): Server {
  const options = { ...always, ...limiting(limits) };
  /** The answer to the last request that was read from a connection. */
  const lastAnswers = new WeakMap<Duplex, ServerResponse>();
  const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tlsOptions(tls) });
  const handle: RequestListener = (request, response) => {
    lastAnswers.set(request.socket, response);
    gateway.handler(request, response);
  };
  server.on('request', handle);
  // RFC 9110 section 10.1.1: what is expected but `100-continue` may be overlooked. Node.js would answer for itself.
  server.on('checkExpectation', handle);
  // Node.js would ask for the body at once. The gateway asks when it forwards the request; a refusal closes the connection.
  server.on('checkContinue', handle);
  server.on('upgrade', (request, socket, head) => {
    afterDueAnswers(socket, lastAnswers.get(socket), () => gateway.upgrade(request, socket, head));
  });
  server.setTimeout(clientTimeout, (socket) => {
    const last = lastAnswers.get(socket);
    // It has no request under way: the time for which it is kept is over.
    if (last === undefined || last.closed) socket.destroy();
    // The client waits for the API, or the API has nothing to say at the moment.
    else if (socket.writableLength === 0) socket.setTimeout(clientTimeout);
    else last.destroy(new RequestError('request_timeout', 'the client did not read the response'));
  });
  answerUnreadable(server, {
    lastResponse: (socket) => lastAnswers.get(socket),
    answer({ code, description }) {
      const error = new RequestError(code, description);
      gateway.unreadable(error);
      return refusal(error);
    },
  });
  return server;
}

function limiting({
  maxHeaderBytes = 64 * 1024,
  requestTimeout = 0,
  keepAliveTimeout = 620_000,
}: GatewayServerOptions): ServerOptions {
  /** Milliseconds; what takes longer for its headers is an attack. */
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
    // A certificate binds a token, whoever issued it (RFC 8705 section 3), and a route may do without.
    rejectUnauthorized: false,
    ca: [],
    minVersion: 'TLSv1.2',
    /** Milliseconds: no longer than a server waits for its last connections when it stops. */
    handshakeTimeout: 10_000,
  };
}

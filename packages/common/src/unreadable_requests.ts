import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { fault, type RequestFault } from './check_request.ts';

/** A whole answer. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface UnreadableOptions {
  /** The response to the last request that was read from a connection, or is being read. */
  readonly lastResponse: (socket: Duplex) => ServerResponse | undefined;
  /** Makes the answer to what cannot be read; called once for each connection. */
  readonly answer: (found: RequestFault) => PlainAnswer;
}

/**
 * Lets a server answer what is not well-formed HTTP, and then close the connection. Answers that are due to requests before it are
 * given first; without that a good request would go unanswered because of the bytes behind it.
 */
export function answerUnreadable(server: Server, { lastResponse, answer }: UnreadableOptions): void {
  /** Connections from which nothing more can be read: each further packet is the same error again. */
  const broken = new WeakSet<Duplex>();

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const { code = '' } = error;
    if (!isOfHttp(code)) {
      socket.destroy();
      return;
    }
    const last = lastResponse(socket);
    // RFC 9112 section 9.6: what follows a request that closes the connection is overlooked.
    if (broken.has(socket) || (code === 'HPE_CLOSED_CONNECTION' && last !== undefined)) return;
    broken.add(socket);
    const due = answer(faultOf(code));
    if (last === undefined || (last.req.complete && last.writableFinished)) answerOnSocket(socket, due);
    else if (last.req.complete) answerAfter(last, socket, due);
    // An answer that has begun is broken off; one that is complete was not about this.
    else if (last.headersSent) socket.destroy();
    else answerBody(last, due);
  });
  server.on('connect', (_request, socket: Duplex) => {
    const due = answer(fault('method_not_allowed', 'CONNECT is not served'));
    afterDueAnswers(socket, lastResponse(socket), () => answerOnSocket(socket, due));
  });
}

/**
 * Goes on when the answers to the requests before have left, or drops the connection when they cannot. It is for a connection that
 * Node.js has handed over because of an upgrade or a CONNECT: a client can send such a request right behind others.
 *
 * @param last the response to the last request before
 */
export function afterDueAnswers(socket: Duplex, last: ServerResponse | undefined, goOn: () => void): void {
  if (last === undefined || last.closed) {
    goOn();
    return;
  }
  // Node.js has taken its listeners away: without these an error ends the process, and a long response stalls.
  const ignore = () => {};
  const passOn = () => (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.emit('drain');
  socket.on('error', ignore).on('drain', passOn);
  last.once('close', () => {
    socket.off('drain', passOn);
    if (!last.writableFinished) socket.destroy();
    else if (socket.writable) goOn(); // Otherwise the last answer closes the connection.
    if (!socket.destroyed) socket.off('error', ignore);
  });
}

/** Otherwise it is trouble with the connection, or with TLS before there is one: there is nobody to answer. */
function isOfHttp(code: string): boolean {
  return code.startsWith('HPE_') || code.startsWith('ERR_HTTP_');
}

function faultOf(code: string): RequestFault {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return fault('request_header_fields_too_large', 'the headers of the request are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return fault('request_timeout', 'the request did not arrive in time');
    case 'HPE_PAUSED_H2_UPGRADE':
      return fault(
        'http_version_not_supported',
        'HTTP/2 is not served here, and gRPC needs it: the server speaks HTTP/1.1',
      );
    default:
      return fault('invalid_request', 'the request is not well-formed HTTP');
  }
}

/** Answers leave in the order of the requests, so all that are due have left when the last one has. */
function answerAfter(last: ServerResponse, socket: Duplex, due: PlainAnswer): void {
  last.once('close', () => {
    if (last.writableFinished) answerOnSocket(socket, due);
    else socket.destroy();
  });
}

/** Answers a request whose body is malformed; Node.js sends the answers that are due before it. */
function answerBody(response: ServerResponse, { status, headers, body }: PlainAnswer): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.shouldKeepAlive = false;
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

/** Answers where there is no request to respond to, only a socket, and closes it. */
function answerOnSocket(socket: Duplex, { status, headers, body }: PlainAnswer): void {
  socket.on('error', () => {});
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const all = { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'), () => socket.destroy());
}

import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { fault, type RequestFault } from './check_request.ts';

/** A complete response. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface UnreadableOptions {
  /** The response to the last request on a connection, which may still be read. */
  readonly lastResponse: (socket: Duplex) => ServerResponse | undefined;
  /** Makes the response to malformed input. Called once for each connection. */
  readonly answer: (found: RequestFault) => PlainAnswer;
}

/**
 * Makes a server answer malformed HTTP and close the connection. Responses to earlier requests on the connection are sent first:
 * otherwise a valid request would get no response because of the bytes after it.
 */
export function answerUnreadable(server: Server, { lastResponse, answer }: UnreadableOptions): void {
  /** Connections that cannot be read any more. Each further packet causes the same error again. */
  const broken = new WeakSet<Duplex>();

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const { code = '' } = error;
    if (!isHttpError(code)) {
      socket.destroy();
      return;
    }
    const last = lastResponse(socket);
    // RFC 9112 section 9.6: data after a request that closes the connection is ignored.
    if (broken.has(socket) || (code === 'HPE_CLOSED_CONNECTION' && last !== undefined)) return;
    broken.add(socket);
    const due = answer(faultOf(code));
    if (last === undefined || (last.req.complete && last.writableFinished)) answerOnSocket(socket, due);
    else if (last.req.complete) answerAfter(last, socket, due);
    // A response that has begun cannot be replaced, so it is broken off.
    else if (last.headersSent) socket.destroy();
    else answerBody(last, due);
  });
  server.on('connect', (_request, socket: Duplex) => {
    const due = answer(fault('method_not_allowed', 'CONNECT is not served'));
    afterEarlierResponses(socket, lastResponse(socket), () => answerOnSocket(socket, due));
  });
}

/**
 * Continues when the responses to earlier requests have been sent, or closes the connection if they cannot be. For a connection that
 * Node.js has handed over because of an upgrade or a CONNECT, which a client can send right after other requests.
 *
 * @param last the response to the previous request
 */
export function afterEarlierResponses(socket: Duplex, last: ServerResponse | undefined, next: () => void): void {
  if (last === undefined || last.closed) {
    next();
    return;
  }
  // Node.js has removed its own listeners. Without these an error would end the process, and a long response would stall.
  const ignore = () => {};
  const forwardDrain = () => (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.emit('drain');
  socket.on('error', ignore).on('drain', forwardDrain);
  last.once('close', () => {
    socket.off('drain', forwardDrain);
    if (!last.writableFinished) socket.destroy();
    else if (socket.writable) next(); // Otherwise the last response closes the connection.
    if (!socket.destroyed) socket.off('error', ignore);
  });
}

/** Whether an error is about HTTP. Other errors are about TCP or TLS, where no response is possible. */
function isHttpError(code: string): boolean {
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

/** Responses are sent in the order of the requests, so all of them have been sent when the last one has. */
function answerAfter(last: ServerResponse, socket: Duplex, due: PlainAnswer): void {
  last.once('close', () => {
    if (last.writableFinished) answerOnSocket(socket, due);
    else socket.destroy();
  });
}

/** Answers a request whose body is malformed. Node.js sends the earlier responses first. */
function answerBody(response: ServerResponse, { status, headers, body }: PlainAnswer): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.shouldKeepAlive = false;
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
}

/** Answers on a socket that has no request, and closes it. */
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

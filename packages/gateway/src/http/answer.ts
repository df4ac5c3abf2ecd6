import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ChallengeOptions, type ResourceServerError, refusal } from '@tallystick/resource-server';

/** Milliseconds for which the rest of an answered request is read and discarded. */
const lingerTimeout = 5_000;

/**
 * Refuses a request with a JSON body, and with a challenge for an error of the access token (RFC 6750 section 3). The response is never
 * cacheable. If a response has already begun, it is broken off instead, so that it does not look complete.
 *
 * @param others additional headers
 */
export function answerRefusal(
  response: ServerResponse,
  error: ResourceServerError,
  challenge: ChallengeOptions = {},
  others: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) {
    breakOff(response);
    return;
  }
  if (response.destroyed || response.writableEnded) return;
  const { status, headers, body } = refusal(error, challenge);
  answer(response, status, { ...headers, ...others }, body);
}

/** Sends a complete response. It replaces all headers that were set before. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.sendDate = true;
  // RFC 9110 section 8.6: a 204 has no Content-Length.
  response.writeHead(status, status === 204 ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Ends a response that cannot be completed, so that the client notices. In HTTP/1.0 the end of the connection ends the body, so the
 * connection is reset instead of closed.
 */
export function breakOff(response: ServerResponse): void {
  if (response.writableFinished) return;
  if (response.req.httpVersion === '1.0') response.socket?.resetAndDestroy();
  response.destroy();
}

/**
 * Reads and discards the rest of a request body after the response (lingering close), so that the client can read the response and
 * the connection can serve the next request. After a timeout the connection is closed.
 */
export function lingerAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  response.once('finish', () => {
    if (request.complete) return;
    request.unpipe();
    request.resume();
    const { socket } = request;
    const timer = setTimeout(() => socket.destroy(), lingerTimeout).unref();
    const stop = () => {
      clearTimeout(timer);
      request.off('close', stop);
      socket.off('close', stop);
    };
    request.once('close', stop);
    // Node.js does not close a request with its connection once the response is sent.
    socket.once('close', stop);
  });
}

/**
 * Creates a response to an upgrade request, for which Node.js provides only the socket. The connection is closed after the response.
 */
export function responseOnSocket(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.once('finish', () => socket.destroySoon());
  response.assignSocket(socket);
  return response;
}

import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ChallengeOptions, type ResourceServerError, refusal } from '@tallystick/resource-server';

/** Milliseconds for which the rest of a request that is already answered is read and thrown away. */
const lingering = 5_000;

/**
 * Refuses a request: JSON body, RFC 6750 challenge where the access token is to blame, never cacheable.
 *
 * When part of a response is already on its way, it is broken off instead: an answer must not look complete when it is not.
 *
 * @param others headers of the answer that are not about the error
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

/** Answers with a complete body, in place of whatever headers were prepared before. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.sendDate = true;
  // RFC 9110 section 8.6: a 204 has none.
  response.writeHead(status, status === 204 ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Ends a response that cannot be completed, so that the client notices. A body that ends with the connection (HTTP/1.0) looks
 * complete after an orderly close, so that connection is reset.
 */
export function breakOff(response: ServerResponse): void {
  if (response.writableFinished) return;
  if (response.req.httpVersion === '1.0') response.socket?.resetAndDestroy();
  response.destroy();
}

/**
 * Once a request is answered, nobody reads the rest of its body any more. It is read here for a while, so that the client
 * gets to read the answer and the connection can serve the next request; then the connection is closed.
 */
export function lingerAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  response.once('finish', () => {
    if (request.complete) return;
    request.unpipe();
    request.resume();
    const { socket } = request;
    const giveUp = setTimeout(() => socket.destroy(), lingering).unref();
    const stop = () => {
      clearTimeout(giveUp);
      request.off('close', stop);
      socket.off('close', stop);
    };
    request.once('close', stop);
    // A request whose answer has left is not closed with its connection by Node.js.
    socket.once('close', stop);
  });
}

/**
 * A response to a request that asked to upgrade the connection, where Node.js leaves us with nothing but the socket.
 * The connection is closed after it.
 */
export function responseOnSocket(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.once('finish', () => socket.destroySoon());
  response.assignSocket(socket);
  return response;
}

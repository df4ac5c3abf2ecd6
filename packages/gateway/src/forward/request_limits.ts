import type { ClientRequest, IncomingMessage } from 'node:http';
import { RequestError, UpstreamTimeoutError } from '../http/errors.ts';

/**
 * Destroys an upstream request when nothing happens for too long: while it connects, while the body is sent, until the response
 * begins. http-proxy's `proxyTimeout` does not see a connection that is never made, and cuts responses that pause.
 *
 * @param timeout milliseconds
 * @returns ends the watch; to be called when the response begins
 */
export function watchSilence(upstreamRequest: ClientRequest, request: IncomingMessage, timeout: number): () => void {
  const timer = setTimeout(() => upstreamRequest.destroy(whoWasSilent(upstreamRequest, request)), timeout);
  const stop = () => clearTimeout(timer);
  const { socket } = upstreamRequest;
  if (socket?.connecting) socket.once('connect', () => timer.refresh());
  if (!request.complete) request.on('data', () => timer.refresh());
  upstreamRequest.once('close', stop);
  return stop;
}

/** The upstream, or a client that stopped sending its body. */
function whoWasSilent(upstreamRequest: ClientRequest, request: IncomingMessage): Error {
  const waitsForClient =
    !request.complete && !upstreamRequest.writableNeedDrain && upstreamRequest.socket?.connecting === false;
  return waitsForClient
    ? new RequestError('request_timeout', 'the request body did not arrive in time')
    : new UpstreamTimeoutError(upstreamRequest.socket?.connecting === false ? 'response_timeout' : 'connect_timeout');
}

/** Bytes of its body that a client has to send in the time that it has. With fewer it only keeps connections busy. */
const leastBytes = 1024;

/**
 * Destroys an upstream request whose client sends its body a few bytes at a time. Silence is another matter (`watchSilence`): each
 * byte breaks it.
 *
 * @param time milliseconds
 * @returns ends the watch
 */
export function watchSlowBody(upstreamRequest: ClientRequest, request: IncomingMessage, time: number): () => void {
  if (request.complete) return () => {};
  let received = 0;
  let since = performance.now();
  const restart = () => {
    received = 0;
    since = performance.now();
  };
  const count = (chunk: Buffer) => {
    received += chunk.length;
    if (performance.now() - since < time) return;
    if (received >= leastBytes || request.complete) restart();
    else upstreamRequest.destroy(new RequestError('request_timeout', 'the request body arrived too slowly'));
  };
  request.on('data', count);
  // While the upstream took nothing, nothing was read from the client.
  upstreamRequest.on('drain', restart);
  return () => request.off('data', count);
}

/** @throws {RequestError} `content_too_large` for a body that says itself that it is */
export function checkBodyLength({ headers }: IncomingMessage, maxBytes: number): void {
  // The parser has seen to it that it is a number, and that the body is no longer.
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/** Destroys an upstream request as soon as a body that does not tell its length turns out to be too large. */
export function limitBody(upstreamRequest: ClientRequest, request: IncomingMessage, maxBytes: number): void {
  if (request.headers['transfer-encoding'] === undefined) return;
  let bytes = 0;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) return;
    request.off('data', count);
    request.unpipe(upstreamRequest);
    upstreamRequest.destroy(tooLarge(maxBytes));
  };
  request.on('data', count);
}

function tooLarge(maxBytes: number): RequestError {
  return new RequestError('content_too_large', `the request body is larger than ${maxBytes} bytes`);
}

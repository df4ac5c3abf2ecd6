import type { ClientRequest, IncomingMessage } from 'node:http';
import { RequestError, UpstreamTimeoutError } from '../http/errors.ts';

/**
 * Destroys an upstream request after an idle timeout, which applies while it connects, while the body is sent, and until the
 * response begins. http-proxy's `proxyTimeout` does not cover connecting, and cuts off responses that pause.
 *
 * @param timeout milliseconds
 * @returns stops the timeout; to be called when the response begins
 */
export function watchIdle(upstreamRequest: ClientRequest, request: IncomingMessage, timeout: number): () => void {
  const timer = setTimeout(() => upstreamRequest.destroy(idleError(upstreamRequest, request)), timeout);
  const stop = () => clearTimeout(timer);
  const { socket } = upstreamRequest;
  if (socket?.connecting) socket.once('connect', () => timer.refresh());
  if (!request.complete) request.on('data', () => timer.refresh());
  upstreamRequest.once('close', stop);
  return stop;
}

/** Blames the upstream, or a client that stopped sending its body. */
function idleError(upstreamRequest: ClientRequest, request: IncomingMessage): Error {
  const waitsForClient =
    !request.complete && !upstreamRequest.writableNeedDrain && upstreamRequest.socket?.connecting === false;
  return waitsForClient
    ? new RequestError('request_timeout', 'the request body did not arrive in time')
    : new UpstreamTimeoutError(upstreamRequest.socket?.connecting === false ? 'response_timeout' : 'connect_timeout');
}

/** Bytes of its body that a client must send within the timeout. A slower client only occupies connections. */
const minimumBytes = 1024;

/**
 * Destroys an upstream request whose client sends its body a few bytes at a time. The idle timeout does not catch it, because
 * each byte restarts it.
 *
 * @param timeout milliseconds
 * @returns stops the watch
 */
export function watchSlowBody(upstreamRequest: ClientRequest, request: IncomingMessage, timeout: number): () => void {
  if (request.complete) return () => {};
  let received = 0;
  let since = performance.now();
  const restart = () => {
    received = 0;
    since = performance.now();
  };
  const count = (chunk: Buffer) => {
    received += chunk.length;
    if (performance.now() - since < timeout) return;
    if (received >= minimumBytes || request.complete) restart();
    else upstreamRequest.destroy(new RequestError('request_timeout', 'the request body arrived too slowly'));
  };
  request.on('data', count);
  // While the upstream reads nothing, the gateway reads nothing from the client.
  upstreamRequest.on('drain', restart);
  return () => request.off('data', count);
}

/** @throws {RequestError} `content_too_large` when `Content-Length` exceeds the limit */
export function checkBodyLength({ headers }: IncomingMessage, maxBytes: number): void {
  // The parser guarantees that it is a number and that the body is not longer.
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/** Destroys an upstream request as soon as a body without `Content-Length` exceeds the limit. */
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

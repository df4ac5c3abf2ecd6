import type { ClientRequest, IncomingMessage } from 'node:http';
import { RequestError } from '../http/errors.ts';

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

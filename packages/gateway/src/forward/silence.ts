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

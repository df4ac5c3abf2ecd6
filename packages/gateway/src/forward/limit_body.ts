import type { ClientRequest, IncomingMessage } from 'node:http';
import { RequestError } from '../http/errors.ts';

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

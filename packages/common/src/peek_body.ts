import type { IncomingMessage } from 'node:http';

/** Bytes of a body that are read at most. oidc-provider accepts up to 56 KB. */
const LIMIT = 64 * 1024;

interface Peeked {
  readonly whole: Promise<Buffer>;
  /** The bytes, once they have been read. */
  bytes?: Buffer;
}

const peeked = new WeakMap<IncomingMessage, Peeked>();

/**
 * Reads a request's body and puts it back, so that the handler can read it again. Further calls return the same bytes.
 *
 * @returns the body, or its beginning if it is longer than 64 KB; the part that arrived if the client disconnected
 */
export function peekBody(request: IncomingMessage): Promise<Buffer> {
  const known = peeked.get(request);
  if (known !== undefined) return known.whole;
  const reading: Peeked = { whole: peek(request).then((bytes) => (reading.bytes = bytes)) };
  peeked.set(request, reading);
  return reading.whole;
}

/** The body, if {@link peekBody} has read it. */
export function peekedBody(request: IncomingMessage): Buffer | undefined {
  return peeked.get(request)?.bytes;
}

/** The bytes are put back in the same turn in which the last chunk arrives, before the stream emits `end`. */
function peek(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    function read() {
      while (request.readableLength > 0) {
        const chunk = request.read() as Buffer;
        chunks.push(chunk);
        length += chunk.length;
      }
      if (request.complete || length > LIMIT) done();
    }
    function done() {
      request.off('readable', read).off('end', done).off('close', done);
      const body = Buffer.concat(chunks);
      if (length > 0 && !request.destroyed) request.unshift(body);
      resolve(body);
    }
    request.on('readable', read).on('end', done).on('close', done);
  });
}

import type { IncomingMessage } from 'node:http';

/** Bytes of a body that are looked at; oidc-provider takes no more than 56 KB. */
const LIMIT = 64 * 1024;

interface Peeked {
  readonly whole: Promise<Buffer>;
  /** What was read, once it was. */
  bytes?: Buffer;
}

const peeked = new WeakMap<IncomingMessage, Peeked>();

/**
 * Reads a request's body and puts it back, so that another one reads it again. Whoever looks after that gets the same bytes.
 *
 * @returns the body, or of one that is longer than 64 KB its beginning; what there was of it when the client left
 */
export function peekBody(request: IncomingMessage): Promise<Buffer> {
  const known = peeked.get(request);
  if (known !== undefined) return known.whole;
  const reading: Peeked = { whole: peek(request).then((bytes) => (reading.bytes = bytes)) };
  peeked.set(request, reading);
  return reading.whole;
}

/** The body, if somebody looked at it before. */
export function peekedBody(request: IncomingMessage): Buffer | undefined {
  return peeked.get(request)?.bytes;
}

/** What is read is put back in the turn in which the last of it came: the stream has told nobody yet that it ended. */
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

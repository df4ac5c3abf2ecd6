import type { IncomingMessage } from 'node:http';

/** Bytes of a body that are kept at most. */
const LIMIT = 64 * 1024;

/** Keeps the beginning of a body while its reader reads it. To be called before anyone reads. @returns the bytes that arrived up to now */
export function tapBody(request: IncomingMessage): () => Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  const { push } = request;
  request.push = (chunk: Buffer | null, ...rest) => {
    if (chunk !== null && length < LIMIT) {
      chunks.push(chunk.subarray(0, LIMIT - length));
      length += chunk.length;
    }
    return push.call(request, chunk, ...rest);
  };
  return () => Buffer.concat(chunks);
}

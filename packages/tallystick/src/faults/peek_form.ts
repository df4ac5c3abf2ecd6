import type { IncomingMessage } from 'node:http';
import { mediaTypeOf } from '@tallystick/common';

/** Bytes; oidc-provider refuses more than 56 KB. */
const LIMIT = 64 * 1024;

/** Reads a request's form and puts it back, so that who answers reads it again. @returns undefined when there is none */
export async function peekForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const { 'content-type': contentType, 'content-length': length } = request.headers;
  const type = mediaTypeOf(contentType);
  if (request.method !== 'POST' || type !== 'application/x-www-form-urlencoded' || length === '0') return undefined;
  return new URLSearchParams((await peek(request)).toString());
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

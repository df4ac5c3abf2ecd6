import type { IncomingMessage } from 'node:http';
import { mediaTypeOf } from '@tallystick/common';
import { errors } from 'oidc-provider';

const LIMIT = 8 * 1024;

/** Reads a submitted page. @throws {errors.InvalidRequest} it is no form, or larger than a page of ours would send */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const type = mediaTypeOf(request.headers['content-type']);
  if (type !== undefined && type !== 'application/x-www-form-urlencoded') {
    throw new errors.InvalidRequest('only application/x-www-form-urlencoded is accepted here');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LIMIT) throw new errors.InvalidRequest('the form is too large', 413);
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

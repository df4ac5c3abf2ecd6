import type { IncomingMessage } from 'node:http';
import { mediaTypeOf, readBody } from '@tallystick/common';
import { errors } from 'oidc-provider';

const LIMIT = 8 * 1024;

/** Reads a submitted page. @throws {errors.InvalidRequest} it is no form, or larger than a page of ours would send */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const type = mediaTypeOf(request.headers['content-type']);
  if (type !== undefined && type !== 'application/x-www-form-urlencoded') {
    throw new errors.InvalidRequest('only application/x-www-form-urlencoded is accepted here');
  }
  const body = await readBody(request, LIMIT);
  if (body === undefined) throw new errors.InvalidRequest('the form is too large', 413);
  return new URLSearchParams(body.toString());
}

import type { IncomingMessage } from 'node:http';
import { mediaTypeOf, readBody } from '@tallystick/common';
import { errors } from 'oidc-provider';

const LIMIT = 8 * 1024;

/** Reads a submitted form. @throws {errors.InvalidRequest} the body is not a form, or is too large */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  refuseOtherTypes(request);
  const body = await readBody(request, LIMIT);
  if (body === undefined) throw new errors.InvalidRequest('the form is too large', 413);
  return new URLSearchParams(body.toString());
}

/** @throws {errors.InvalidRequest} the body is not a form */
export function refuseOtherTypes(request: IncomingMessage): void {
  const type = mediaTypeOf(request.headers['content-type']);
  if (type !== undefined && type !== 'application/x-www-form-urlencoded') {
    throw new errors.InvalidRequest('the Content-Type must be application/x-www-form-urlencoded');
  }
}

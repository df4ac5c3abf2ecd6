import { MAX_PARAMETERS, mediaTypeOf, peekBody } from '@tallystick/common';
import type { Middleware } from 'koa';
import { errors } from 'oidc-provider';

/**
 * Accepts token requests as JSON, which some clients send to mocks: turns them into the form of RFC 6749 section 4.1.3. The body
 * was checked for its depth before.
 */
export function acceptJsonTokenRequests(): Middleware {
  return async (ctx, next) => {
    if (ctx.method === 'POST' && ctx.path === '/token' && mediaTypeOf(ctx.get('content-type')) === 'application/json') {
      const form = Buffer.from(formOf(await peekBody(ctx.req)));
      if (ctx.req.destroyed) return; // The client closed the connection.
      // In one turn, so that the stream does not end in between.
      while (ctx.req.readableLength > 0) ctx.req.read();
      if (form.length > 0) ctx.req.unshift(form);
      ctx.req.headers['content-type'] = 'application/x-www-form-urlencoded';
      ctx.req.headers['content-length'] = String(form.length);
    }
    await next();
  };
}

/** @throws {errors.InvalidRequest} */
function formOf(body: Buffer): string {
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new errors.InvalidRequest('the body must be a JSON object');
  const parameters = Object.entries(value).flatMap(([name, given]) =>
    (Array.isArray(given) ? given : [given]).map((text: unknown): [string, string] => [name, textOf(name, text)]),
  );
  if (parameters.length > MAX_PARAMETERS)
    throw new errors.InvalidRequest(`the request has more than ${MAX_PARAMETERS} parameters`);
  return new URLSearchParams(parameters).toString();
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new errors.InvalidRequest('the body is not JSON');
  }
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new errors.InvalidRequest(`the value of ${name.slice(0, 50)} must be a string`);
}

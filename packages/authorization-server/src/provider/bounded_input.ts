import { hasTooManyParameters, isNestedTooDeeply, MAX_PARAMETERS, mediaTypeOf, peekBody } from '@tallystick/common';
import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';

const FORM = 'application/x-www-form-urlencoded';

/** Parameters with JSON values: OpenID Connect Core section 5.5, RFC 9396 section 2. */
const JSON_PARAMETERS = ['claims', 'authorization_details'];
/** The request object: a JWT that can contain these parameters (RFC 9101). */
const REQUEST_OBJECT = 'request';

/**
 * Refuses expensive input before anything parses it: too many parameters, and deeply nested JSON. oidc-provider limits bodies
 * in bytes only, ignores parameters after the first thousand, and traverses JSON recursively.
 */
export function boundedInput(): Middleware {
  return async (ctx, next) => {
    refuseParameters(ctx.querystring);
    if (hasBody(ctx)) {
      const type = mediaTypeOf(ctx.get('content-type'));
      if (type === FORM) refuseParameters(await peekBody(ctx.req));
      else if (type === 'application/json') refuseDepth(await peekBody(ctx.req), 'the body');
      if (ctx.req.destroyed) return; // The client closed the connection.
    }
    await next();
  };
}

function hasBody({ req: { headers } }: Context): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers;
  return coding !== undefined || length !== '0';
}

function refuseParameters(encoded: string | Buffer): void {
  if (hasTooManyParameters(encoded)) {
    throw new errors.InvalidRequest(`the request has more than ${MAX_PARAMETERS} parameters`);
  }
  const parameters = new URLSearchParams(encoded.toString());
  for (const name of JSON_PARAMETERS) {
    for (const value of parameters.getAll(name)) refuseDepth(value, name);
  }
  for (const value of parameters.getAll(REQUEST_OBJECT)) {
    refuseDepth(Buffer.from(value.split('.', 2)[1] ?? '', 'base64url'), REQUEST_OBJECT);
  }
}

function refuseDepth(json: string | Buffer, what: string): void {
  if (isNestedTooDeeply(json.toString())) throw new errors.InvalidRequest(`${what} is nested too deeply`);
}

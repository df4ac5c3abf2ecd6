import { createHash } from 'node:crypto';
import { MAX_PARAMETERS, mediaTypeOf, peekBody } from '@tallystick/common';
import { decodeJwt } from 'jose';
import type { Context, Middleware } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import { isPermissiveClient } from './clients.ts';

/** The client of requests that name none. */
const ANONYMOUS = 'anonymous';

/** RFC 7636 section 4.1 */
const VERIFIER = /^[\w.~-]{43,128}$/;

const FORM = 'application/x-www-form-urlencoded';

/** Endpoints whose requests mocks accept in JSON, and without a client. */
const ENDPOINTS = new Set(['/token', '/token/introspection', '/token/revocation']);

/** Endpoints at which clients authenticate. */
const AUTHENTICATED = new Set([...ENDPOINTS, '/device/auth', '/backchannel', '/request']);

/**
 * Accepts requests as mocks do: turns JSON into the form of RFC 6749 section 4.1.3, and completes the client authentication of
 * clients that nobody configured. The body was checked for its size and depth before.
 */
export function acceptRequestsOfMocks(provider: Provider): Middleware {
  return async (ctx, next) => {
    const path = ctx.path.toLowerCase();
    if (path === '/session/end') nameClientOfLogout(ctx);
    if (path === '/auth') await completeAuthorization(ctx, provider);
    const type = mediaTypeOf(ctx.get('content-type'));
    const isJson = type === 'application/json' && ENDPOINTS.has(path);
    if (ctx.method !== 'POST' || !AUTHENTICATED.has(path) || !(isJson || type === FORM || type === '')) return next();
    const body = await peekBody(ctx.req);
    const form = isJson ? formOf(body) : new URLSearchParams(body.toString());
    const renamed = renameAudience(form);
    const changed = await identifyClient(ctx, form, { provider, mayBeAnonymous: ENDPOINTS.has(path) });
    if (ctx.req.destroyed) return; // The client closed the connection.
    if (isJson || changed || renamed) replaceBody(ctx, form);
    await next();
  };
}

/**
 * Names the client in the form where oidc-provider would refuse its authentication: no client at all, an empty secret in the
 * header, a token in the header (as mocks accept it at the introspection endpoint), or an assertion with a key that nobody
 * registered. A configured client must still authenticate.
 *
 * @returns whether the form changed
 */
async function identifyClient(
  ctx: Context,
  form: URLSearchParams,
  { provider, mayBeAnonymous }: { readonly provider: Provider; readonly mayBeAnonymous: boolean },
): Promise<boolean> {
  const header = ctx.get('authorization');
  const assertion = form.get('client_assertion');
  if (assertion !== null) {
    const id = subjectOf(assertion);
    if (id === undefined || !isPermissiveClient(await provider.Client.find(id))) return false;
    form.delete('client_assertion');
    form.delete('client_assertion_type');
    form.set('client_id', id);
    return true;
  }
  const withoutSecret = userOfEmptySecret(header);
  const isBearer = /^bearer /i.test(header) && ctx.path.toLowerCase() === '/token/introspection';
  if (header !== '' && withoutSecret === undefined && !isBearer) return false;
  if (header === '' && (form.has('client_id') || !mayBeAnonymous)) return false;
  ctx.req.headers.authorization = undefined;
  if (!form.has('client_id')) form.set('client_id', withoutSecret ?? ANONYMOUS);
  return true;
}

/** oauth2-mock-server has a parameter `aud`. @returns whether the form changed */
function renameAudience(form: URLSearchParams): boolean {
  const audience = form.get('aud');
  if (audience === null || form.has('audience') || form.has('resource')) return false;
  form.set('audience', audience);
  return true;
}

/** Without a client, oidc-provider would not redirect to the `post_logout_redirect_uri`. */
function nameClientOfLogout(ctx: Context): void {
  const { post_logout_redirect_uri: uri, id_token_hint: hint, client_id: id } = ctx.query;
  if (uri !== undefined && hint === undefined && id === undefined) ctx.query = { ...ctx.query, client_id: ANONYMOUS };
}

/** Names the client, and hashes a plain PKCE challenge. A request object has its parameters itself. */
async function completeAuthorization(ctx: Context, provider: Provider): Promise<void> {
  const { redirect_uri: uri, client_id: id = ANONYMOUS, request, request_uri: pushed } = ctx.query;
  if (ctx.method !== 'GET' || uri === undefined || request !== undefined || pushed !== undefined) return;
  const challenge = plainChallengeOf(ctx.query);
  const isHashed = challenge !== undefined && isPermissiveClient(await provider.Client.find(String(id)));
  ctx.query = { ...ctx.query, client_id: id, ...(isHashed && hashChallenge(challenge)) };
}

/** A challenge of the method `plain`, which is the default (RFC 7636 section 4.3). */
function plainChallengeOf(query: Context['query']): string | undefined {
  const { code_challenge: challenge, code_challenge_method: method = 'plain' } = query;
  return method === 'plain' && typeof challenge === 'string' && VERIFIER.test(challenge) ? challenge : undefined;
}

/**
 * Turns a challenge of the method `plain` into one of the method S256: oidc-provider knows no other. The challenge of `plain` is
 * the verifier itself (RFC 7636 section 4.2), so exactly the same verifier matches.
 */
function hashChallenge(challenge: string) {
  const hash = createHash('sha256').update(challenge).digest('base64url');
  return { code_challenge: hash, code_challenge_method: 'S256' };
}

function replaceBody({ req }: Context, form: URLSearchParams): void {
  const body = Buffer.from(form.toString());
  // In one turn, so that the stream does not end in between.
  while (req.readableLength > 0) req.read();
  if (body.length > 0) req.unshift(body);
  req.headers['content-type'] = FORM;
  req.headers['content-length'] = String(body.length);
}

/** The user of an HTTP Basic header with an empty password (RFC 7617 section 2). */
function userOfEmptySecret(header: string): string | undefined {
  const [, credentials = ''] = /^basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(header) ?? [];
  const [, user] = /^([^:]+):$/.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
  try {
    return user === undefined ? undefined : decodeURIComponent(user.replaceAll('+', '%20'));
  } catch {
    return undefined;
  }
}

function subjectOf(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).sub;
  } catch {
    return undefined;
  }
}

/** @throws {errors.InvalidRequest} */
function formOf(body: Buffer): URLSearchParams {
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new errors.InvalidRequest('the body must be a JSON object');
  const parameters = Object.entries(value).flatMap(([name, given]) =>
    (Array.isArray(given) ? given : [given]).map((text: unknown): [string, string] => [name, textOf(name, text)]),
  );
  if (parameters.length > MAX_PARAMETERS)
    throw new errors.InvalidRequest(`the request has more than ${MAX_PARAMETERS} parameters`);
  return new URLSearchParams(parameters);
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

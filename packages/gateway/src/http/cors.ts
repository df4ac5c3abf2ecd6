import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { listMembers, TOKEN } from '@tallystick/common';

/** Which web pages of other origins may call the APIs of a route, and what they get to see (Fetch standard, section 3.2). */
export interface CorsConfig {
  /** Origins such as `https://app.example.com`, compared as they are; or `*` alone, for all but the opaque origin `null`. */
  readonly origins: readonly string[];
  /** Default: GET, HEAD, POST, PUT, PATCH, DELETE. */
  readonly methods?: readonly string[];
  /** Request headers. Default: Authorization, Content-Type, DPoP. */
  readonly headers?: readonly string[];
  /** Response headers, besides `WWW-Authenticate` and `DPoP-Nonce`, which a client needs. */
  readonly exposeHeaders?: readonly string[];
  /** Whether cookies come along; not with `*`. Default: false. */
  readonly credentials?: boolean;
  /** Seconds for which a browser remembers the answer to a preflight request. Default: 600. */
  readonly maxAge?: number;
}

/** A prepared {@link CorsConfig}. A browser hides a response without CORS headers from the page. */
export interface CorsPolicy {
  /** The headers for a response to a request from this origin. */
  answerHeaders(origin: string | undefined): Readonly<Record<string, string>>;
  /** The headers for a response to a preflight request from this origin. */
  preflightHeaders(origin: string | undefined): Readonly<Record<string, string>>;
}

/** The headers that a client must read to get a valid token: RFC 6750 section 3, RFC 9449 section 8. */
const alwaysExposed = ['WWW-Authenticate', 'DPoP-Nonce'];

/** @throws {TypeError} for a policy that browsers would not follow, or nobody should */
export function createCorsPolicy(config: CorsConfig): CorsPolicy {
  const { origins, credentials = false, maxAge = 600 } = config;
  const { methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] } = config;
  const { headers = ['Authorization', 'Content-Type', 'DPoP'], exposeHeaders = [] } = config;
  const isForAll = origins.includes('*');
  for (const origin of origins) requireOrigin(origin);
  if (origins.length === 0) throw new TypeError('cors.origins must not be empty');
  if (isForAll && origins.length > 1) throw new TypeError('cors.origins must be "*" alone, or a list of origins');
  if (isForAll && credentials) throw new TypeError('cors.origins must not be "*" with credentials');
  if (origins.includes('null') && credentials) throw new TypeError('cors.origins must not be "null" with credentials');
  for (const name of [...methods, ...headers, ...exposeHeaders]) {
    // With credentials `*` is a name like any other, and for `Authorization` it never stands.
    if (!TOKEN.test(name) || name === '*') throw new TypeError(`cors: ${JSON.stringify(name)} is no name`);
  }
  if (!Number.isInteger(maxAge) || maxAge < 0) throw new TypeError('cors.maxAge must be a number of seconds');

  const allowed = new Set(origins);
  const withCredentials = { ...(credentials && { 'Access-Control-Allow-Credentials': 'true' }) };
  const answerHeaders = {
    ...withCredentials,
    'Access-Control-Expose-Headers': listed([...alwaysExposed, ...exposeHeaders]),
  };
  const preflightHeaders = {
    ...withCredentials,
    'Access-Control-Allow-Methods': listed(methods),
    'Access-Control-Allow-Headers': listed(headers),
    'Access-Control-Max-Age': String(maxAge),
  };

  function headersFor(origin: string | undefined, others: Readonly<Record<string, string>>) {
    if (origin === undefined) return {};
    if (isForAll) return origin === 'null' ? {} : { 'Access-Control-Allow-Origin': '*', ...others };
    return allowed.has(origin) ? { 'Access-Control-Allow-Origin': origin, ...others } : {};
  }

  return {
    answerHeaders: (origin) => headersFor(origin, answerHeaders),
    preflightHeaders: (origin) => headersFor(origin, preflightHeaders),
  };
}

/** Whether a request is a CORS preflight request (Fetch standard, section 3.2.2). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && 'access-control-request-method' in headers;
}

/** The headers of a response of the gateway itself. `Vary` tells caches that the response depends on the origin. */
export function corsHeaders(
  policy: CorsPolicy | undefined,
  origin: string | undefined,
): Readonly<Record<string, string>> | undefined {
  return policy && { ...policy.answerHeaders(origin), Vary: 'Origin' };
}

/** Replaces the CORS headers of an API's response with those of the policy. */
export function applyCors(headers: IncomingHttpHeaders, policy: CorsPolicy, origin: string | undefined): void {
  for (const name in headers) if (name.startsWith('access-control-')) delete headers[name];
  for (const [name, value] of Object.entries(policy.answerHeaders(origin))) headers[name.toLowerCase()] = value;
  headers.vary = withOrigin(headers.vary);
}

function withOrigin(vary: string | undefined): string {
  if (vary === undefined || vary === '') return 'Origin';
  const names = listMembers(vary.toLowerCase());
  return names.includes('*') || names.includes('origin') ? vary : `${vary}, Origin`;
}

function requireOrigin(origin: string): void {
  if (origin === '*' || origin === 'null') return;
  if (!URL.canParse(origin) || new URL(origin).origin !== origin || origin.includes('*')) {
    throw new TypeError(`cors.origins must be origins such as "https://app.example.com": ${JSON.stringify(origin)}`);
  }
}

function listed(names: readonly string[]): string {
  const byName = new Map(names.map((name) => [name.toLowerCase(), name]));
  return [...byName.values()].join(', ');
}

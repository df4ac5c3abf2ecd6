import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { listMembers } from '@tallystick/common';
import type { CorsConfig } from '../config/cors.ts';

/** A prepared {@link CorsConfig}. A browser hides a response without CORS headers from the page. */
export interface CorsPolicy {
  /** The headers for a response to a request from this origin. */
  answerHeaders(origin: string | undefined): Readonly<Record<string, string>>;
  /** The headers for a response to a preflight request from this origin. */
  preflightHeaders(origin: string | undefined): Readonly<Record<string, string>>;
}

/** The headers that a client must read to get a valid token: RFC 6750 section 3, RFC 9449 section 8. */
const alwaysExposed = ['WWW-Authenticate', 'DPoP-Nonce'];

export function createCorsPolicy(config: CorsConfig): CorsPolicy {
  const { origins, credentials } = config;
  const isForAll = origins.includes('*');
  const allowed = new Set(origins);
  const withCredentials = { ...(credentials && { 'Access-Control-Allow-Credentials': 'true' }) };
  const answerHeaders = {
    ...withCredentials,
    'Access-Control-Expose-Headers': listed([...alwaysExposed, ...config.exposeHeaders]),
  };
  const preflightHeaders = {
    ...withCredentials,
    'Access-Control-Allow-Methods': listed(config.methods),
    'Access-Control-Allow-Headers': listed(config.headers),
    'Access-Control-Max-Age': String(config.maxAge),
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

function listed(names: readonly string[]): string {
  const byName = new Map(names.map((name) => [name.toLowerCase(), name]));
  return [...byName.values()].join(', ');
}

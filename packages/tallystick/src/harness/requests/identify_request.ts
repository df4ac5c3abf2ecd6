import type { IncomingMessage } from 'node:http';
import { z } from 'zod';

/** Paths of the authorization server's endpoints, under their names from RFC 8414. */
const paths = {
  authorization: '/auth',
  token: '/token',
  introspection: '/token/introspection',
  revocation: '/token/revocation',
  jwks: '/jwks',
  userinfo: '/me',
  end_session: '/session/end',
  pushed_authorization_request: '/request',
  device_authorization: '/device/auth',
  device_verification: '/device',
  backchannel_authentication: '/backchannel',
  registration: '/reg',
  interaction: '/interaction',
} as const;

const ENDPOINTS = [...(Object.keys(paths) as (keyof typeof paths)[]), 'discovery', 'other'] as const;
export const endpointSchema = z.enum(ENDPOINTS);
export type Endpoint = z.output<typeof endpointSchema>;

/** Longest first, because `/token/introspection` is not the token endpoint. */
const byLength = Object.entries(paths).sort(([, one], [, other]) => other.length - one.length);

/**
 * The endpoint that a request is for.
 *
 * @param target a request target in origin form (RFC 9112 section 3.2.1)
 * @param mountPath path of the issuer; may be empty
 */
export function endpointOf(target: string, mountPath: string): Endpoint {
  const whole = target.split('?', 1)[0] ?? '';
  const path = whole.startsWith(`${mountPath}/`) ? whole.slice(mountPath.length) : whole;
  if (path.startsWith('/.well-known/')) return 'discovery';
  const found = byLength.find(([, prefix]) => path === prefix || path.startsWith(`${prefix}/`));
  return (found?.[0] as Endpoint | undefined) ?? 'other';
}

interface ClientRequest {
  readonly headers: Pick<IncomingMessage['headers'], 'authorization'>;
  readonly url?: string | undefined;
}

/**
 * The client that a request names, without authenticating it: in HTTP Basic (RFC 6749 section 2.3.1), in `client_id` of the form or
 * the query, or as the subject of an assertion (RFC 7523 section 3).
 */
export function clientOf(request: ClientRequest, form: URLSearchParams | undefined): string | undefined {
  const [, credentials] = /^basic +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (credentials !== undefined) return formDecode(Buffer.from(credentials, 'base64').toString().split(':')[0] ?? '');
  const query = new URLSearchParams(request.url?.split('?')[1] ?? '');
  return form?.get('client_id') ?? query.get('client_id') ?? subjectOf(form?.get('client_assertion'));
}

function subjectOf(assertion: string | null | undefined): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(assertion?.split('.')[1] ?? '', 'base64url').toString());
    return typeof claims === 'object' && claims && 'sub' in claims ? String(claims.sub) : undefined;
  } catch {
    return undefined; // A malformed assertion names no client.
  }
}

function formDecode(text: string): string | undefined {
  return new URLSearchParams(`id=${text.replaceAll('&', '%26')}`).get('id') ?? undefined;
}

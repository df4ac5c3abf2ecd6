import { readHost } from './host.ts';

const absoluteForm = /^(https?):\/\/([^/?#]*)(.*)$/i;

/**
 * A request target in absolute form, as origin form (RFC 9112 section 3.2.2). Every other target stays as it is.
 *
 * @param host the value of `Host`
 * @param scheme of the connection
 * @returns undefined when it is for another server than `Host`: two servers could take it for two
 */
export function toOriginForm(
  target: string,
  { method, host, scheme }: { method: string | undefined; host: string | undefined; scheme: 'http' | 'https' },
): string | undefined {
  const match = absoluteForm.exec(target);
  if (match === null) return target;
  const [, targetScheme = '', authority = '', rest = ''] = match;
  if (targetScheme.toLowerCase() !== scheme || host === undefined || !isSameServer(authority, host, scheme)) {
    return undefined;
  }
  if (rest.startsWith('/')) return rest;
  // RFC 9112 section 3.2.4: it asks about the server as a whole.
  return rest === '' && method === 'OPTIONS' ? '*' : `/${rest}`;
}

function isSameServer(authority: string, host: string, scheme: 'http' | 'https'): boolean {
  const named = readHost(authority);
  const asked = readHost(host);
  if (named === undefined || asked === undefined) return false;
  const defaultPort = scheme === 'https' ? 443 : 80;
  return named.name === asked.name && (named.port ?? defaultPort) === (asked.port ?? defaultPort);
}

/**
 * What is wrong with a request target in origin form (RFC 9112 section 3.2.1): it must begin with a single slash, and be what a
 * URL can contain.
 */
export function findTargetFault(target: string): string | undefined {
  if (!target.startsWith('/') || target.startsWith('//')) return 'the request target must begin with a single slash';
  if (/[^\x21-\x7e]|[\\#]/.test(target) || /%(?![0-9A-Fa-f]{2})/.test(target)) {
    return 'the request target is malformed';
  }
  return undefined;
}

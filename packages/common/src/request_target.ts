import { readHost } from './host.ts';

const ABSOLUTE_FORM = /^(https?):\/\/([^/?#]*)(.*)$/i;

/**
 * Turns a request target in absolute form into origin form (RFC 9112 section 3.2.2). Other targets are returned unchanged.
 *
 * @param host the value of `Host`
 * @param scheme of the connection
 * @returns undefined if the target names another server than `Host`, because two servers could interpret it differently
 */
export function toOriginForm(
  target: string,
  { method, host, scheme }: { method: string | undefined; host: string | undefined; scheme: 'http' | 'https' },
): string | undefined {
  const match = ABSOLUTE_FORM.exec(target);
  if (match === null) return target;
  const [, targetScheme = '', authority = '', rest = ''] = match;
  if (targetScheme.toLowerCase() !== scheme || host === undefined || !isSameServer(authority, host, scheme)) {
    return undefined;
  }
  if (rest.startsWith('/')) return rest;
  // RFC 9112 section 3.2.4: an OPTIONS request for the whole server.
  return rest === '' && method === 'OPTIONS' ? '*' : `/${rest}`;
}

function isSameServer(authority: string, host: string, scheme: 'http' | 'https'): boolean {
  const named = readHost(authority);
  const expected = readHost(host);
  if (named === undefined || expected === undefined) return false;
  const defaultPort = scheme === 'https' ? 443 : 80;
  return named.name === expected.name && (named.port ?? defaultPort) === (expected.port ?? defaultPort);
}

/**
 * Checks a request target in origin form (RFC 9112 section 3.2.1): it must begin with a single slash and contain only characters that a
 * URL can have.
 *
 * @returns a description of the problem; undefined if there is none
 */
export function findTargetFault(target: string): string | undefined {
  if (!target.startsWith('/') || target.startsWith('//')) return 'the request target must begin with a single slash';
  if (/[^\x21-\x7e]|[\\#]/.test(target) || /%(?![0-9A-Fa-f]{2})/.test(target)) {
    return 'the request target is malformed';
  }
  return undefined;
}

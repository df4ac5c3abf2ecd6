import { readHost } from '@tallystick/common';
import { RequestError } from '../http/errors.ts';

/**
 * The host that a request asks for, as routes know it: in lower case, without port and closing dot.
 *
 * @param header the value of `Host`; undefined where HTTP/1.0 has none
 * @throws {RequestError} `invalid_request` for what is no host: two servers could take it for two
 */
export function readHostName(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const host = readHost(header);
  if (host === undefined) throw new RequestError('invalid_request', 'the Host header is malformed');
  return host.name;
}

/** Whether a pattern means this host. */
export function matchesHost(pattern: string | undefined, host: string | undefined): boolean {
  if (pattern === undefined) return true;
  if (host === undefined) return false;
  return pattern.startsWith('*') ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length : host === pattern;
}

/** The more specific of two patterns comes first: a name, then the longer part of a name, then any host. */
export function bySpecificity(a: string | undefined, b: string | undefined): number {
  return specificity(b) - specificity(a);
}

function specificity(pattern: string | undefined): number {
  if (pattern === undefined) return 0;
  return pattern.startsWith('*') ? pattern.length : Number.MAX_SAFE_INTEGER;
}

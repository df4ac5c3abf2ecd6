/** The server behind an API, as `http.request` wants it described. */
export interface Upstream {
  readonly protocol: 'http:' | 'https:';
  /** With the port, as in the `Host` header. */
  readonly host: string;
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * @param origin scheme and authority, for example `http://localhost:4200`
 * @throws {TypeError} for anything else, a path included: the request's own path goes upstream byte for byte
 */
export function parseUpstream(origin: string): Upstream {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || `${url.origin}/` !== url.href) {
    throw new TypeError('upstream must be an http or https origin, without path, query or credentials');
  }
  return {
    protocol: url.protocol,
    host: url.host,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
  };
}

/** The server behind an API, as `http.request` wants it described. */
export interface Upstream {
  readonly protocol: 'http:' | 'https:';
  /** With the port, as in the `Host` header. */
  readonly host: string;
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
}

/** @param origin scheme and authority, for example `http://localhost:4200` */
export function parseUpstream(origin: string): Upstream {
  const url = new URL(origin);
  const isSecure = url.protocol === 'https:';
  return {
    protocol: isSecure ? 'https:' : 'http:',
    host: url.host,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
  };
}

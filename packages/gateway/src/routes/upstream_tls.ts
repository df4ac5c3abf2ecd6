import { createSecureContext, type SecureContext } from 'node:tls';

/** How the gateway speaks TLS with the upstreams of a route. All but the name is PEM. */
export interface UpstreamTlsConfig {
  /** CAs that the upstream's certificate may come from. Default: those that the gateway trusts. */
  readonly ca?: string | readonly string[];
  /** The name that its certificate must have, and that it is asked for (SNI, RFC 6066 section 3). Default: that of the upstream. */
  readonly servername?: string;
  /** The gateway's own certificate, those of intermediate CAs after it, for an upstream that asks for one. */
  readonly certificate?: string;
  /** The private key of the certificate. */
  readonly key?: string;
}

/** A {@link UpstreamTlsConfig}, ready for use. */
export interface UpstreamTls {
  /** Undefined for that of the gateway. */
  readonly secureContext: SecureContext | undefined;
  readonly servername: string | undefined;
}

/**
 * @param route its prefix
 * @throws {TypeError} for what cannot be used
 */
export function createUpstreamTls(route: string, config: UpstreamTlsConfig): UpstreamTls {
  const { ca, servername, certificate, key } = config;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new TypeError(`route ${route}: upstreamTls.certificate and upstreamTls.key must be there together`);
  }
  if (ca === undefined && certificate === undefined) return { secureContext: undefined, servername };
  try {
    const identity = { ...(certificate !== undefined && { cert: certificate }), ...(key !== undefined && { key }) };
    const trust = ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] };
    return { secureContext: createSecureContext({ ...trust, ...identity, minVersion: 'TLSv1.2' }), servername };
  } catch {
    // The cause may quote the key.
    throw new TypeError(`route ${route}: upstreamTls must have CAs, a certificate and its private key as PEM`);
  }
}

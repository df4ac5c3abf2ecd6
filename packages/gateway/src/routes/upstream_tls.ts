import { createSecureContext, type SecureContext } from 'node:tls';
import type { UpstreamTlsConfig } from '../config/upstream.ts';

/** A prepared {@link UpstreamTlsConfig}. */
export interface UpstreamTls {
  /** Undefined for the one of the gateway. */
  readonly secureContext: SecureContext | undefined;
  readonly servername: string | undefined;
}

/**
 * @param route its prefix
 * @throws {TypeError} for certificates or a key that cannot be used
 */
export function createUpstreamTls(route: string, config: UpstreamTlsConfig): UpstreamTls {
  const { ca, servername, certificate, key } = config;
  if (ca === undefined && certificate === undefined) return { secureContext: undefined, servername };
  try {
    return { secureContext: createSecureContext({ ca, cert: certificate, key, minVersion: 'TLSv1.2' }), servername };
  } catch {
    // The cause may quote the key.
    throw new TypeError(`route ${route}: upstreamTls: expected CAs, a certificate and its private key as PEM`);
  }
}

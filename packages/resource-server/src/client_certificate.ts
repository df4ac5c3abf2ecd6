import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * The certificate that the client of a TLS connection showed, and has the key to. Whether anyone vouches for it does not
 * matter to a token that is bound to it (RFC 8705 section 6.2).
 */
export function certificateOfConnection(socket: Socket): X509Certificate | undefined {
  return 'encrypted' in socket ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
}

/**
 * The certificate in a header that a proxy set: `:<base64 of DER>:` (RFC 9440 section 2.1), or PEM in percent-encoding as NGINX
 * (`$ssl_client_escaped_cert`) and others send it.
 *
 * @returns undefined when there is none, or it cannot be read
 */
export function certificateOfHeader(value: string): X509Certificate | undefined {
  // Node.js joins several headers with a comma, which no certificate has: which is the proxy's, nobody could tell.
  if (value.includes(',')) return undefined;
  const [, der] = /^:([A-Za-z0-9+/=]+):$/.exec(value) ?? [];
  try {
    return new X509Certificate(der === undefined ? decodeURIComponent(value) : Buffer.from(der, 'base64'));
  } catch {
    return undefined; // Not a certificate: as good as none, and a token that is bound to one is refused.
  }
}

/** BASE64URL(SHA-256(DER)), for comparison with `x5t#S256` (RFC 8705 section 3.1). */
export function certificateThumbprint(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('base64url');
}

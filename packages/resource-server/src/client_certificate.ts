import { createHash, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * The certificate that the client of a TLS connection presented. The client has proven that it holds the key. The issuer of the
 * certificate does not matter for a token that is bound to it (RFC 8705 section 6.2).
 */
export function certificateOfConnection(socket: Socket): X509Certificate | undefined {
  return 'encrypted' in socket ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
}

/** BASE64URL(SHA-256(DER)), for comparison with `x5t#S256` (RFC 8705 section 3.1). */
export function certificateThumbprint(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('base64url');
}

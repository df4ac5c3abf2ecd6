import { X509Certificate } from 'node:crypto';

/**
 * The client certificate in a header that a proxy set: `:<base64 of DER>:` (RFC 9440 section 2.1), or PEM in percent-encoding as
 * NGINX (`$ssl_client_escaped_cert`) and others send it.
 *
 * @returns undefined if there is no readable certificate
 */
export function certificateOfHeader(value: string): X509Certificate | undefined {
  // Node.js joins several headers with a comma, which no certificate contains. It would be unclear which one the proxy set.
  if (value.includes(',')) return undefined;
  const [, der] = /^:([A-Za-z0-9+/=]+):$/.exec(value) ?? [];
  try {
    return new X509Certificate(der === undefined ? decodeURIComponent(value) : Buffer.from(der, 'base64'));
  } catch {
    return undefined; // Not a certificate: a token that is bound to one is refused.
  }
}

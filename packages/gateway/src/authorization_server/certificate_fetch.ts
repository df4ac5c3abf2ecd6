import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { IntrospectionClient } from '../config/introspection.ts';

/**
 * A `fetch` whose connections present the client certificate (RFC 8705 section 2). The `fetch` of Node.js cannot do that: it accepts
 * connection pools of its built-in undici only.
 *
 * @param proxy URL of the proxy to use. Default: none
 * @throws {TypeError} when certificate or key cannot be read, or they do not belong together
 */
export function createCertificateFetch(
  { certificate = '', key = '', ca }: Pick<IntrospectionClient, 'certificate' | 'key' | 'ca'>,
  proxy?: string,
): typeof globalThis.fetch {
  requirePair(certificate, key);
  // Loaded only when it is used: most gateways need no client certificate.
  const loading = import('undici').then(({ Agent, ProxyAgent, fetch }) => {
    const tls = { cert: certificate, key, ca };
    const dispatcher =
      proxy === undefined ? new Agent({ connect: tls }) : new ProxyAgent({ uri: proxy, requestTls: tls });
    return (input: string, init: object) => fetch(input, { ...init, dispatcher });
  });
  const certified = async (input: string, init: object) => (await loading)(input, init);
  return certified as unknown as typeof globalThis.fetch;
}

function requirePair(certificate: string, key: string): void {
  let belongTogether: boolean;
  try {
    belongTogether = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    // The cause may quote the key.
    throw new TypeError('client.certificate and client.key must be a certificate and its private key, as PEM');
  }
  if (!belongTogether) throw new TypeError('client.key is not the private key of client.certificate');
}

import type { IncomingMessage } from 'node:http';
import type { Destination } from '../forward/forwarder.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import type { CertificateOf } from './client_certificate.ts';
import type { Credentials } from './credentials.ts';

/** What the walk found out, as far as the API is to know it. */
export interface Presented {
  readonly credentials: Credentials;
  /** For the API. */
  readonly accessToken: string;
  readonly certificateOf: CertificateOf | undefined;
}

/**
 * What the API gets for credentials. The JWT goes as a bearer token: the client has shown here that it is its own. Where the API
 * is to see that for itself, it gets the proof too (RFC 9449 section 7.1), or the certificate (RFC 9440 section 2.1).
 */
export function upstreamCredentials(
  request: IncomingMessage,
  { style, dpop }: Pick<ProtectedRoute, 'style' | 'dpop'>,
  { credentials: { scheme }, accessToken, certificateOf }: Presented,
): Pick<Destination, 'authorization' | 'dpop' | 'clientCertificate'> {
  const checksItself = dpop.forward || style === 'opaque';
  const isProved = scheme === 'DPoP' && checksItself;
  const certificate = checksItself ? certificateOf?.(request) : undefined;
  return {
    authorization: `${isProved ? scheme : 'Bearer'} ${accessToken}`,
    dpop: isProved ? request.headers.dpop?.toString() : undefined,
    clientCertificate: certificate && `:${certificate.raw.toString('base64')}:`,
  };
}

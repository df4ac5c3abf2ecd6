import { createHash, X509Certificate } from 'node:crypto';
import { type Certificate, selfSigned } from '@tallystick/testing/certificates';

export interface TestCertificate extends Certificate {
  /** `cnf` of a token that is bound to it. */
  readonly cnf: { readonly 'x5t#S256': string };
  /** As a proxy passes it on: RFC 9440, and as NGINX does. */
  readonly headers: readonly [string, string];
}

/** A self-signed certificate for that name and for 127.0.0.1. */
export async function makeCertificate(name: string): Promise<TestCertificate> {
  const { cert, key } = await selfSigned({
    subject: `CN=${name}`,
    alternatives: [
      { type: 'dns', value: name },
      { type: 'ip', value: '127.0.0.1' },
    ],
  });
  const der = new X509Certificate(cert).raw;
  return {
    cert,
    key,
    cnf: { 'x5t#S256': createHash('sha256').update(der).digest('base64url') },
    headers: [`:${der.toString('base64')}:`, encodeURIComponent(cert)],
  };
}

import { createHash, X509Certificate } from 'node:crypto';
import { type Certificate, selfSigned } from '@tallystick/testing/certificates';

export interface TestCertificate extends Certificate {
  /** The `cnf` of a token that is bound to it. */
  readonly cnf: { readonly 'x5t#S256': string };
  /** The header values of proxies: in the format of RFC 9440, and of NGINX. */
  readonly headers: readonly [string, string];
}

/** Creates a self-signed certificate for this name and for 127.0.0.1. */
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

import 'reflect-metadata'; // @peculiar/x509 does not load without.
import { createHash, KeyObject, webcrypto } from 'node:crypto';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

export interface TestCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** `cnf` of a token that is bound to it. */
  readonly cnf: { readonly 'x5t#S256': string };
  /** As a proxy passes it on: RFC 9440, and as NGINX does. */
  readonly headers: readonly [string, string];
}

/** A certificate that nobody vouches for. */
export async function makeCertificate(name: string): Promise<TestCertificate> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: name },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  const der = Buffer.from(certificate.rawData);
  const cert = certificate.toString('pem');
  return {
    cert,
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string,
    cnf: { 'x5t#S256': createHash('sha256').update(der).digest('base64url') },
    headers: [`:${der.toString('base64')}:`, encodeURIComponent(cert)],
  };
}

import 'reflect-metadata'; // @peculiar/x509 does not load without.
import { KeyObject, webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

export interface Certificates {
  /** Files. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** The text of the same. */
  readonly pem: { readonly ca: string; readonly certificate: string; readonly key: string };
  remove(): Promise<void>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A CA of a test's own, and a certificate for 127.0.0.1 and localhost that servers and clients can show. */
export async function makeCertificates(): Promise<Certificates> {
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const generate = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const [authority, holder] = await Promise.all([generate(), generate()]);
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Test CA',
    keys: authority,
    signingAlgorithm: ALGORITHM,
    ...validity,
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=Test Redis',
    issuer: ca.subjectName,
    publicKey: holder.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: ALGORITHM,
    ...validity,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
  const pem = {
    ca: `${ca.toString('pem')}\n`,
    certificate: `${certificate.toString('pem')}\n`,
    key: String(KeyObject.from(holder.privateKey).export({ type: 'pkcs8', format: 'pem' })),
  };
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-tls-'));
  const write = async (name: keyof typeof pem) => {
    const file = path.join(folder, `${name}.pem`);
    await writeFile(file, pem[name], { mode: 0o600 });
    return file;
  };
  return {
    ca: await write('ca'),
    certificate: await write('certificate'),
    key: await write('key'),
    pem,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

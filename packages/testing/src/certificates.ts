import 'reflect-metadata'; // @peculiar/x509 needs it.
import { KeyObject, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type JsonGeneralName,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const DAY = 24 * 3_600_000;

/** A certificate and its private key, both as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Names {
  /** Distinguished name: `CN=bank.example.com,O=Example`. */
  readonly subject: string;
  readonly alternatives?: JsonGeneralName[];
}

export interface TestCa extends Certificate {
  /** Issues a certificate for a server or a client. */
  certify(names: Names): Promise<Certificate>;
}

/** Creates a private CA, such as an organisation runs. */
export async function createCa(name: string): Promise<TestCa> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    ...common(),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    cert: certificate.toString('pem'),
    key: pem(keys),
    async certify({ subject, alternatives = [] }) {
      const own = await newKeys();
      const made = await X509CertificateGenerator.create({
        subject,
        issuer: certificate.subjectName,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        ...common(),
        extensions: [
          new SubjectAlternativeNameExtension(alternatives),
          await AuthorityKeyIdentifierExtension.create(certificate),
        ],
      });
      return { cert: made.toString('pem'), key: pem(own) };
    },
  };
}

/** Creates a self-signed certificate, which a client trusts only if it has it already. */
export async function selfSigned({ subject, alternatives = [] }: Names): Promise<Certificate> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: subject,
    keys,
    ...common(),
    extensions: [new SubjectAlternativeNameExtension(alternatives)],
  });
  return { cert: certificate.toString('pem'), key: pem(keys) };
}

function newKeys() {
  return webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
}

function common() {
  return {
    signingAlgorithm: { ...CURVE, hash: 'SHA-256' },
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
  };
}

function pem({ privateKey }: webcrypto.CryptoKeyPair): string {
  return KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }) as string;
}

import 'reflect-metadata'; // @peculiar/x509 does not load without it.
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key (PKCS #8), both as PEM. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

/** The time in which a certificate is valid. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING = { ...CURVE, hash: 'SHA-256' };

/** Makes a CA that can sign server certificates, but no further CAs. */
export async function makeCa(validity: Validity): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // Trust stores find a CA by its name, so two CAs must have different names.
    name: `CN=Tallystick development CA ${randomBytes(4).toString('hex')}`,
    keys,
    signingAlgorithm: SIGNING,
    ...validity,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: pemOf(keys.privateKey) };
}

/**
 * Makes a server certificate.
 *
 * @param hosts host names and IP addresses of the server
 */
export async function makeServerCertificate(
  ca: CertificateAndKey,
  hosts: readonly string[],
  validity: Validity,
): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const authority = new X509Certificate(ca.cert);
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=Tallystick',
    issuer: authority.subjectName,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(ca),
    signingAlgorithm: SIGNING,
    ...validity,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(authority),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: pemOf(keys.privateKey) };
}

function signingKeyOf({ key }: CertificateAndKey): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, CURVE, false, ['sign']);
}

function pemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }) as string;
}

import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { CertificateAndKey, Validity } from './make_certificates.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CA_LIFETIME = 3650 * DAY;
/** Clients accept server certificates that are valid for at most 398 days. */
const SERVER_LIFETIME = 365 * DAY;
/** A certificate is replaced when it expires within this time. */
const MARGIN = 30 * DAY;

/** A server certificate, and the CA that clients have to trust. */
export interface GeneratedCertificate extends CertificateAndKey {
  /** The CA's certificate, PEM. */
  readonly ca: string;
  /** The file that holds `ca`. */
  readonly caFile: string;
}

/**
 * Reads the CA and the server certificate from a directory, and generates those that are missing. The CA stays the same as long
 * as it is valid, so that clients need to trust it only once. The server certificate is replaced when the hosts change and before
 * it expires. Processes that share the directory and start at the same moment get the same CA.
 *
 * @param hosts names and addresses of the servers
 * @param now the current time in epoch milliseconds
 * @throws {Error} the directory or a file in it cannot be read or written (`code` EACCES, for example)
 */
export async function readOrGenerateCertificate(
  directory: string,
  hosts: readonly string[],
  now: () => number = Date.now,
): Promise<GeneratedCertificate> {
  const file = (name: string) => join(directory, name);
  const isNew = (await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined;
  if (isNew) await writeFile(file('.gitignore'), '*\n'); // Private keys do not belong in a repository.
  const caFile = file('ca.pem');
  const ca = await openCa(file('ca-with-key.pem'), now());
  if ((await readIfPresent(caFile)) !== ca.cert) await replaceFile(caFile, ca.cert, 0o644);

  const serverFile = file('server-with-key.pem');
  const kept = await parsePair(await readIfPresent(serverFile), serverFile);
  if (kept && canServe(kept, ca, hosts, now())) return { ...kept, ca: ca.cert, caFile };
  const { makeServerCertificate } = await import('./make_certificates.ts');
  const server = await makeServerCertificate(ca, hosts, validityFrom(now(), SERVER_LIFETIME));
  await replaceFile(serverFile, server.cert + server.key, 0o600);
  return { ...server, ca: ca.cert, caFile };
}

async function openCa(path: string, now: number): Promise<CertificateAndKey> {
  const text = await readIfPresent(path);
  const kept = await parsePair(text, path);
  if (kept && isValidUntil(new X509Certificate(kept.cert), now + SERVER_LIFETIME + MARGIN)) return kept;
  const { makeCa } = await import('./make_certificates.ts');
  const made = await makeCa(validityFrom(now, CA_LIFETIME));
  await (text === undefined ? createFile : replaceFile)(path, made.cert + made.key, 0o600);
  // Another process may have created the file first.
  return (await parsePair(await readIfPresent(path), path)) ?? made;
}

/** Begins an hour early, for clients whose clocks are slow. */
function validityFrom(now: number, lifetime: number): Validity {
  return { notBefore: new Date(now - HOUR), notAfter: new Date(now + lifetime) };
}

function isValidUntil({ validTo }: X509Certificate, time: number): boolean {
  return Date.parse(validTo) >= time;
}

function canServe(
  { cert, key }: CertificateAndKey,
  ca: CertificateAndKey,
  hosts: readonly string[],
  now: number,
): boolean {
  const certificate = new X509Certificate(cert);
  const includes = (host: string) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host));
  return (
    certificate.verify(new X509Certificate(ca.cert).publicKey) &&
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    isValidUntil(certificate, now + MARGIN) &&
    hosts.every(includes) &&
    certificate.subjectAltName?.split(', ').length === hosts.length
  );
}

/** @returns undefined if the text is missing or damaged */
async function parsePair(text: string | undefined, path: string): Promise<CertificateAndKey | undefined> {
  const [, cert, key] = /^(-----BEGIN CERTIFICATE-----.+-----END CERTIFICATE-----\n)(.+)$/s.exec(text ?? '') ?? [];
  if (cert === undefined || key === undefined) return undefined;
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return undefined;
  } catch {
    return undefined; // Damaged: the caller generates a new pair.
  }
  await chmod(path, 0o600); // A copy of the directory may have lost the mode.
  return { cert, key };
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces a file atomically, so that no process reads half of it. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text, { mode, flag: 'wx' });
  await rename(temporary, path);
}

/** Creates a file atomically. An existing file stays as it is. */
async function createFile(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text, { mode, flag: 'wx' });
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary);
  }
}

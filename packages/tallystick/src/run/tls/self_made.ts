import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { CertificateAndKey, Validity } from './make_certificates.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CA_LIFETIME = 3650 * DAY;
/** What clients accept of a server's certificate at most is 398 days; a year is long enough. */
const SERVER_LIFETIME = 365 * DAY;
/** A certificate that expires sooner than this is made anew. */
const MARGIN = 30 * DAY;

/** The certificate of this machine's servers, and the CA that clients have to trust. */
export interface SelfMade extends CertificateAndKey {
  /** The CA's certificate, PEM. */
  readonly ca: string;
  /** Where it is. */
  readonly caFile: string;
}

/**
 * Finds the self-made CA and server certificate in a directory, or makes them. The CA stays the same as long as it is good,
 * so that clients trust it once; the server's certificate is made anew for other hosts, and before it expires. Processes that
 * share the directory and start at the same moment share the CA.
 *
 * @param hosts names and addresses of the servers
 * @param now epoch milliseconds
 * @throws {Error} with `code` EACCES and the like
 */
export async function selfMadeCertificate(
  directory: string,
  hosts: readonly string[],
  now: () => number = Date.now,
): Promise<SelfMade> {
  const file = (name: string) => join(directory, name);
  const isNew = (await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined;
  if (isNew) await writeFile(file('.gitignore'), '*\n'); // Keys do not belong into a repository.
  const caFile = file('ca.pem');
  const ca = await openCa(file('ca-with-key.pem'), now());
  if ((await readIfThere(caFile)) !== ca.cert) await replace(caFile, ca.cert, 0o644);

  const serverFile = file('server-with-key.pem');
  const kept = await pairOf(await readIfThere(serverFile), serverFile);
  if (kept && isGoodServerCertificate(kept, ca, hosts, now())) return { ...kept, ca: ca.cert, caFile };
  const { makeServerCertificate } = await import('./make_certificates.ts');
  const server = await makeServerCertificate(ca, hosts, lasting(SERVER_LIFETIME, now()));
  await replace(serverFile, server.cert + server.key, 0o600);
  return { ...server, ca: ca.cert, caFile };
}

async function openCa(path: string, now: number): Promise<CertificateAndKey> {
  const text = await readIfThere(path);
  const kept = await pairOf(text, path);
  const isGood = (ca: CertificateAndKey) => lastsUntil(new X509Certificate(ca.cert), now + SERVER_LIFETIME + MARGIN);
  if (kept && isGood(kept)) return kept;
  const { makeCa } = await import('./make_certificates.ts');
  const made = await makeCa(lasting(CA_LIFETIME, now));
  await (text === undefined ? createOnce : replace)(path, made.cert + made.key, 0o600);
  // Somebody else's, if they were faster.
  return (await pairOf(await readIfThere(path), path)) ?? made;
}

/** A few hours back, for clients whose clocks are slow. */
function lasting(lifetime: number, now: number): Validity {
  return { notBefore: new Date(now - HOUR), notAfter: new Date(now + lifetime) };
}

function lastsUntil({ validTo }: X509Certificate, time: number): boolean {
  return Date.parse(validTo) >= time;
}

function isGoodServerCertificate(
  { cert, key }: CertificateAndKey,
  ca: CertificateAndKey,
  hosts: readonly string[],
  now: number,
): boolean {
  const certificate = new X509Certificate(cert);
  const isFor = (host: string) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host));
  return (
    certificate.verify(new X509Certificate(ca.cert).publicKey) &&
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    lastsUntil(certificate, now + MARGIN) &&
    hosts.every(isFor) &&
    certificate.subjectAltName?.split(', ').length === hosts.length
  );
}

/** @returns undefined if there is no text, or not what was once written to the file */
async function pairOf(text: string | undefined, path: string): Promise<CertificateAndKey | undefined> {
  const [, cert, key] = /^(-----BEGIN CERTIFICATE-----.+-----END CERTIFICATE-----\n)(.+)$/s.exec(text ?? '') ?? [];
  if (cert === undefined || key === undefined) return undefined;
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return undefined;
  } catch {
    return undefined; // Damaged: it is made anew.
  }
  await chmod(path, 0o600); // It may have been copied here by something that lost the mode.
  return { cert, key };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Nobody reads half a file. */
async function replace(path: string, text: string, mode: number): Promise<void> {
  const written = `${path}.${randomUUID()}`;
  await writeFile(written, text, { mode, flag: 'wx' });
  await rename(written, path);
}

/** Leaves a file that is there already. */
async function createOnce(path: string, text: string, mode: number): Promise<void> {
  const written = `${path}.${randomUUID()}`;
  await writeFile(written, text, { mode, flag: 'wx' });
  try {
    await link(written, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(written);
  }
}

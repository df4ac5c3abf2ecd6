import { readFile } from 'node:fs/promises';

/** Certificates for a Redis that public authorities do not vouch for: each a file, or PEM text. */
export interface StoreTls {
  /** Who vouches for the servers. Default: the authorities that Node.js trusts. */
  readonly ca?: string | undefined;
  /** What this process shows to a server that asks for a client certificate, and its private key. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

/** In Node.js's words. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** @throws {TypeError} a file cannot be read, or one of certificate and key is missing */
export async function readTls({ ca, certificate, key }: StoreTls): Promise<TlsMaterial> {
  if ((certificate === undefined) !== (key === undefined)) {
    throw new TypeError('store.tls: expected certificate and key, or neither');
  }
  return {
    ...(ca !== undefined && { ca: await readPem(ca, 'ca') }),
    ...(certificate !== undefined && { cert: await readPem(certificate, 'certificate') }),
    ...(key !== undefined && { key: await readPem(key, 'key') }),
  };
}

async function readPem(given: string, name: keyof StoreTls): Promise<string> {
  const pem = given.includes('-----BEGIN ') ? given : await readFile(given, 'utf8').catch(() => '');
  if (!pem.includes('-----BEGIN ')) throw new TypeError(`store.tls.${name}: expected PEM, or a file that holds it`);
  return pem;
}

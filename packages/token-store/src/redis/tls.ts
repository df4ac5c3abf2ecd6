import { isPem, readPem } from '@tallystick/common';

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
    ...(ca !== undefined && { ca: await readGiven(ca, 'ca') }),
    ...(certificate !== undefined && { cert: await readGiven(certificate, 'certificate') }),
    ...(key !== undefined && { key: await readGiven(key, 'key') }),
  };
}

async function readGiven(given: string, name: keyof StoreTls): Promise<string> {
  const pem = await readPem(given).catch(() => '');
  if (!isPem(pem)) throw new TypeError(`store.tls.${name}: expected PEM, or a file that holds it`);
  return pem;
}

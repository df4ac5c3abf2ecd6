import { isPem, readPem } from '@tallystick/common';
import type { StoreConfig } from '../config/store_config.ts';

type StoreTls = NonNullable<StoreConfig['tls']>;

/** TLS options of Node.js, as PEM. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** @throws {TypeError} a file cannot be read, or does not hold PEM */
export async function readTls({ ca, certificate, key }: StoreTls): Promise<TlsMaterial> {
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

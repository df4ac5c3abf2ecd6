import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCa } from '@tallystick/testing/certificates';

export interface Certificates {
  /** File names. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** Contents of the files. */
  readonly pem: { readonly ca: string; readonly certificate: string; readonly key: string };
  remove(): Promise<void>;
}

/** Makes a CA, and a certificate for 127.0.0.1 and localhost that servers and clients can use. */
export async function makeCertificates(): Promise<Certificates> {
  const ca = await createCa('Test CA');
  const { cert, key } = await ca.certify({
    subject: 'CN=Test Redis',
    alternatives: [
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'localhost' },
    ],
  });
  const pem = { ca: `${ca.cert}\n`, certificate: `${cert}\n`, key };
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

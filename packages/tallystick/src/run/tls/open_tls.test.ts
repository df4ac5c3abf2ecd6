import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkConfig, loadConfig } from '../../config/load_config.ts';
import type { Config, ConfigInput } from '../../config/schema.ts';
import { makeCa } from './make_certificates.ts';
import { checkTlsFiles, openTls } from './open_tls.ts';

const DEMO = new URL('../../../../../tallystick.config.yaml', import.meta.url).pathname;

let folder: string;
let one: { cert: string; key: string };
let another: { cert: string; key: string };
beforeAll(async () => {
  const validity = { notBefore: new Date(), notAfter: new Date(Date.now() + 86_400_000) };
  [one, another] = [await makeCa(validity), await makeCa(validity)];
  folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
  await writeFile(join(folder, 'file'), 'not PEM');
});
afterAll(() => rm(folder, { recursive: true }));

async function configured(tls: NonNullable<ConfigInput['tls']>): Promise<Config> {
  const config = await loadConfig(DEMO);
  return checkConfig({ ...config, issuer: 'https://localhost:4000', tls });
}

test.each<[string, () => NonNullable<ConfigInput['tls']>, RegExp]>([
  [
    'a file that does not exist',
    () => ({ certificate: '/none.pem', key: one.key }),
    /tls\.certificate: .*"\/none\.pem"/,
  ],
  [
    'a file that is not PEM',
    () => ({ ca: join(folder, 'file') }),
    /tls\.ca: expected a certificate in PEM; found ".*file"/,
  ],
  [
    'a key in place of a certificate',
    () => ({ certificate: one.cert, key: one.key, clientCa: one.key }),
    /tls\.clientCa: expected a certificate in PEM/,
  ],
  [
    'the key of another certificate',
    () => ({ certificate: one.cert, key: another.key }),
    /tls\.key: expected the private key of/,
  ],
  [
    'a certificate in place of a key',
    () => ({ certificate: one.cert, key: one.cert }),
    /tls\.key: expected the private key of/,
  ],
  [
    'a file in place of a directory',
    () => ({ selfMade: true, directory: join(folder, 'file', 'x') }),
    /tls\.directory: expected/,
  ],
])('refuses %s with the path, and does not repeat a key', async (_what, tls, message) => {
  const opened = openTls(await configured(tls()));
  await expect(opened).rejects.toThrow(message);
  await expect(opened).rejects.not.toThrow('PRIVATE KEY');
});

test('gives clients a self-signed certificate to trust, even if CAs for other calls are configured', async () => {
  const { ca, caFile } = await openTls(await configured({ certificate: one.cert, key: one.key, ca: another.cert }));
  expect([ca, caFile]).toEqual([one.cert, undefined]);
});

test('checks files without generating a certificate', async () => {
  const directory = join(folder, 'unmade');
  await checkTlsFiles(await configured({ selfMade: true, directory }));
  await expect(rm(directory, { recursive: true })).rejects.toThrow('ENOENT');
});

test('generates a certificate for every name of a server in the configuration', async () => {
  const config = await configured({ selfMade: true, directory: join(folder, 'made'), hosts: ['more.example.test'] });
  const { server } = await openTls({
    ...config,
    issuer: 'https://as.example.test:4000',
    gateway: { ...config.gateway, publicUrl: 'https://api.example.test' },
    sampleApi: { ...config.sampleApi, url: 'https://[2001:db8::1]:4200' },
  });
  const { X509Certificate } = await import('node:crypto');
  const certificate = new X509Certificate(String(server?.cert));
  for (const name of ['localhost', 'as.example.test', 'api.example.test', 'more.example.test']) {
    expect(certificate.checkHost(name)).toBe(name);
  }
  expect(certificate.checkIP('2001:db8::1')).toBeDefined();
  expect(certificate.fingerprint256).toBe(server?.fingerprint);
});

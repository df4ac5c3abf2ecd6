import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readOrGenerateCertificate } from './generated_certificate.ts';

const DAY = 24 * 3_600_000;
const HOSTS = ['localhost', '127.0.0.1', '::1'];

let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'tallystick-')), 'tls');
});
afterEach(() => rm(join(directory, '..'), { recursive: true }));

const modeOf = async (name: string) => (await stat(join(directory, name))).mode & 0o777;

test('generates a certificate for every host, signed by the CA that clients get', async () => {
  const { cert, ca, caFile } = await readOrGenerateCertificate(directory, [...HOSTS, 'as.example.test']);
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(new X509Certificate(ca).publicKey)).toBe(true);
  for (const name of ['localhost', 'as.example.test']) expect(certificate.checkHost(name)).toBe(name);
  for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBe(address);
  expect(certificate.checkHost('example.test')).toBeUndefined();
  expect(await readFile(caFile, 'utf8')).toBe(ca);
});

test('makes keys readable for their owner only, and hides them from Git', async () => {
  await readOrGenerateCertificate(directory, HOSTS);
  expect(await modeOf('.')).toBe(0o700);
  expect(await modeOf('ca-with-key.pem')).toBe(0o600);
  expect(await modeOf('server-with-key.pem')).toBe(0o600);
  expect(await readFile(join(directory, 'ca.pem'), 'utf8')).not.toContain('PRIVATE KEY');
  expect(await readFile(join(directory, '.gitignore'), 'utf8')).toBe('*\n');
});

test('does not hide an existing directory from Git', async () => {
  await readOrGenerateCertificate(join(directory, '..'), HOSTS);
  await expect(stat(join(directory, '..', '.gitignore'))).rejects.toThrow('ENOENT');
});

test('keeps a certificate that is still valid', async () => {
  const first = await readOrGenerateCertificate(directory, HOSTS);
  expect(await readOrGenerateCertificate(directory, HOSTS, () => Date.now() + 300 * DAY)).toEqual(first);
});

test.each([
  ['for other hosts', [...HOSTS, 'other.example.test'], 0],
  ['for fewer hosts', ['localhost'], 0],
  ['when the old one is about to expire', HOSTS, 340 * DAY],
])('generates a new certificate of the same CA %s', async (_when, hosts, later) => {
  const first = await readOrGenerateCertificate(directory, HOSTS);
  const second = await readOrGenerateCertificate(directory, hosts, () => Date.now() + later);
  expect(second.cert).not.toBe(first.cert);
  expect(second.ca).toBe(first.ca);
});

test('replaces a CA that would expire before its certificates, and the certificates with it', async () => {
  const first = await readOrGenerateCertificate(directory, HOSTS);
  const second = await readOrGenerateCertificate(directory, HOSTS, () => Date.now() + 3_300 * DAY);
  expect(second.ca).not.toBe(first.ca);
  expect(new X509Certificate(second.cert).verify(new X509Certificate(second.ca).publicKey)).toBe(true);
  expect(await readFile(second.caFile, 'utf8')).toBe(second.ca);
});

test.each(['ca-with-key.pem', 'server-with-key.pem', 'ca.pem'])('replaces a damaged %s', async (name) => {
  await readOrGenerateCertificate(directory, HOSTS);
  await writeFile(join(directory, name), 'damaged');
  const second = await readOrGenerateCertificate(directory, HOSTS);
  expect(new X509Certificate(second.cert).verify(new X509Certificate(second.ca).publicKey)).toBe(true);
  expect(await readOrGenerateCertificate(directory, HOSTS)).toEqual(second);
  expect(await readFile(second.caFile, 'utf8')).toBe(second.ca);
});

test('gives processes that start at the same moment the same CA', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => readOrGenerateCertificate(directory, HOSTS)));
  expect(new Set(all.map(({ ca }) => ca)).size).toBe(1);
});

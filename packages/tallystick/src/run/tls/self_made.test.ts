import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { selfMadeCertificate } from './self_made.ts';

const DAY = 24 * 3_600_000;
const HOSTS = ['localhost', '127.0.0.1', '::1'];

let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'tallystick-')), 'tls');
});
afterEach(() => rm(join(directory, '..'), { recursive: true }));

const modeOf = async (name: string) => (await stat(join(directory, name))).mode & 0o777;

test('the certificate names every host, and is of the CA that clients are given', async () => {
  const { cert, ca, caFile } = await selfMadeCertificate(directory, [...HOSTS, 'as.example.test']);
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(new X509Certificate(ca).publicKey)).toBe(true);
  for (const name of ['localhost', 'as.example.test']) expect(certificate.checkHost(name)).toBe(name);
  for (const address of ['127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBe(address);
  expect(certificate.checkHost('example.test')).toBeUndefined();
  expect(await readFile(caFile, 'utf8')).toBe(ca);
});

test('keys are readable by their owner only, and in no repository', async () => {
  await selfMadeCertificate(directory, HOSTS);
  expect(await modeOf('.')).toBe(0o700);
  expect(await modeOf('ca-with-key.pem')).toBe(0o600);
  expect(await modeOf('server-with-key.pem')).toBe(0o600);
  expect(await readFile(join(directory, 'ca.pem'), 'utf8')).not.toContain('PRIVATE KEY');
  expect(await readFile(join(directory, '.gitignore'), 'utf8')).toBe('*\n');
});

test('a directory that was there before is not hidden from its repository', async () => {
  await selfMadeCertificate(join(directory, '..'), HOSTS);
  await expect(stat(join(directory, '..', '.gitignore'))).rejects.toThrow('ENOENT');
});

test('what is still good is used again', async () => {
  const first = await selfMadeCertificate(directory, HOSTS);
  expect(await selfMadeCertificate(directory, HOSTS, () => Date.now() + 300 * DAY)).toEqual(first);
});

test.each([
  ['for other hosts', [...HOSTS, 'other.example.test'], 0],
  ['for fewer hosts', ['localhost'], 0],
  ['when it is about to expire', HOSTS, 340 * DAY],
])('the certificate is made anew %s, by the same CA', async (_when, hosts, later) => {
  const first = await selfMadeCertificate(directory, HOSTS);
  const second = await selfMadeCertificate(directory, hosts, () => Date.now() + later);
  expect(second.cert).not.toBe(first.cert);
  expect(second.ca).toBe(first.ca);
});

test('a CA that would not outlive its certificates is replaced, and so are they', async () => {
  const first = await selfMadeCertificate(directory, HOSTS);
  const second = await selfMadeCertificate(directory, HOSTS, () => Date.now() + 3_300 * DAY);
  expect(second.ca).not.toBe(first.ca);
  expect(new X509Certificate(second.cert).verify(new X509Certificate(second.ca).publicKey)).toBe(true);
  expect(await readFile(second.caFile, 'utf8')).toBe(second.ca);
});

test.each(['ca-with-key.pem', 'server-with-key.pem', 'ca.pem'])('a damaged %s is made anew', async (name) => {
  await selfMadeCertificate(directory, HOSTS);
  await writeFile(join(directory, name), 'damaged');
  const second = await selfMadeCertificate(directory, HOSTS);
  expect(new X509Certificate(second.cert).verify(new X509Certificate(second.ca).publicKey)).toBe(true);
  expect(await selfMadeCertificate(directory, HOSTS)).toEqual(second);
  expect(await readFile(second.caFile, 'utf8')).toBe(second.ca);
});

test('those who start at the same moment have the same CA', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => selfMadeCertificate(directory, HOSTS)));
  expect(new Set(all.map(({ ca }) => ca)).size).toBe(1);
});

import { createHash, X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { certificateOfHeader } from '@tallystick/common';
import { CLIENT_CERTIFICATE } from '@tallystick/testing/client_certificate';
import { certificateOfConnection, certificateThumbprint } from './client_certificate.ts';

const { raw } = new X509Certificate(CLIENT_CERTIFICATE);

test.each([
  ['RFC 9440', `:${raw.toString('base64')}:`],
  ['NGINX', encodeURIComponent(CLIENT_CERTIFICATE)],
])('reads a certificate in the format of %s', (_, header) => {
  const certificate = certificateOfHeader(header);
  expect(certificate?.raw).toEqual(raw);
});

test.each([
  '',
  'junk',
  '%',
  ':bm9uZQ==:',
  raw.toString('base64'),
  `:${raw.toString('base64')}:, :${raw.toString('base64')}:`,
  // The header of a client, and the one that a proxy added. The first would be the client's.
  `${encodeURIComponent(CLIENT_CERTIFICATE)}, ${encodeURIComponent(CLIENT_CERTIFICATE)}`,
  `${encodeURIComponent(CLIENT_CERTIFICATE)},`,
])('a malformed certificate header counts as no certificate: %j', (header) => {
  expect(certificateOfHeader(header)).toBeUndefined();
});

test('the thumbprint is the SHA-256 of the DER in BASE64URL', () => {
  const expected = createHash('sha256').update(raw).digest('base64url');
  expect(certificateThumbprint(new X509Certificate(CLIENT_CERTIFICATE))).toBe(expected);
  expect(expected).toMatch(/^[\w-]{43}$/);
});

test('a connection without TLS has no client certificate', () => {
  expect(certificateOfConnection(new Socket())).toBeUndefined();
});

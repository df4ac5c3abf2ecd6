import { expect, test } from '@jest/globals';
import { createPublicOrigin } from './public_origin.ts';

const isTrustedProxy = ({ socket }: { socket: { remoteAddress?: string | undefined } }) =>
  socket.remoteAddress === '192.0.2.1';
const request = (headers: object, socket: object = { remoteAddress: '192.0.2.1' }) => ({ headers, socket }) as never;
const originOf = createPublicOrigin({ isTrustedProxy });
const forwarded = { host: 'internal:8080', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.com' };

test('the configured origin applies to every request', () => {
  const configured = createPublicOrigin({ publicUrl: 'https://api.example.com/', isTrustedProxy });
  expect(configured(request({ ...forwarded, 'x-forwarded-host': 'other.example' }))).toBe('https://api.example.com');
});

test('uses the headers of a trusted proxy, and of nobody else', () => {
  expect(originOf(request(forwarded))).toBe('https://api.example.com');
  expect(originOf(request(forwarded, { remoteAddress: '192.0.2.2' }))).toBe('http://internal:8080');
});

test('uses the connection and the Host header otherwise', () => {
  expect(originOf(request({ host: 'api.example.com' }, { encrypted: true }))).toBe('https://api.example.com');
  expect(originOf(request({ host: '[::1]:4100' }))).toBe('http://[::1]:4100');
});

test('uses the last of several values, which the trusted proxy added', () => {
  const headers = {
    host: 'a',
    'x-forwarded-proto': 'http, https',
    'x-forwarded-host': 'forged.example, api.example.com',
  };
  expect(originOf(request(headers))).toBe('https://api.example.com');
});

test.each([
  [{ host: 'a b' }],
  [{ host: 'a/b' }],
  [{ host: 'user@a' }],
  [{}],
  [{ host: 'a', 'x-forwarded-proto': 'gopher' }],
  [{ host: 'a', 'x-forwarded-host': 'b/c' }],
])('a malformed origin is undefined: %j', (headers) => {
  expect(originOf(request(headers))).toBeUndefined();
});

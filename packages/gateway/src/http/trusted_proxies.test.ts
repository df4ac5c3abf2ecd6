import { expect, test } from '@jest/globals';
import { createTrustedProxies } from './trusted_proxies.ts';

const from = (remoteAddress?: string) => ({ socket: { remoteAddress } }) as never;

test.each([
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.0.0/8', '::ffff:11.1.2.3', false],
  ['fd00::/8', 'fd12::1', true],
  ['fd00::/8', '2001:db8::1', false],
  ['::1', '::1', true],
  ['0.0.0.0/0', '198.51.100.7', true],
])('of those in %s, %s is trusted: %s', (network, address, trusted) => {
  expect(createTrustedProxies(['203.0.113.0/24', network])(from(address))).toBe(trusted);
});

test('nobody is trusted who has no address, or when no network is given', () => {
  expect(createTrustedProxies(['0.0.0.0/0', '::/0'])(from(undefined))).toBe(false);
  expect(createTrustedProxies([])(from('127.0.0.1'))).toBe(false);
});

test.each([
  '',
  'localhost',
  '10.0.0.0/33',
  '10.0.0/8',
  '::1/129',
  '10.0.0.0/8/8',
  '10.0.0.0/',
  '10.0.0.0/-1',
  '1.2.3.4/a',
])('what is no network is refused: %j', (network) => {
  expect(() => createTrustedProxies([network])).toThrow(TypeError);
});

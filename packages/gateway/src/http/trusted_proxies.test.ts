import { expect, test } from '@jest/globals';
import { createSenderOf, createTrustedProxies } from './trusted_proxies.ts';

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
])('with the network %s, the address %s is trusted: %s', (network, address, trusted) => {
  expect(createTrustedProxies(['203.0.113.0/24', network])(from(address))).toBe(trusted);
});

test('trusts nobody without an address, or without networks', () => {
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
])('refuses an invalid network: %j', (network) => {
  expect(() => createTrustedProxies([network])).toThrow(TypeError);
});

const senderOf = createSenderOf(({ socket }) => socket.remoteAddress === '10.0.0.1');
const request = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as never;

test('the sender is the address of the connection, or the one that a trusted proxy reports', () => {
  expect(senderOf(request('192.0.2.1'))).toBe('192.0.2.1');
  expect(senderOf(request('192.0.2.1', '203.0.113.9'))).toBe('192.0.2.1');
  expect(senderOf(request('10.0.0.1', '203.0.113.9, 198.51.100.7'))).toBe('198.51.100.7');
  expect(senderOf(request('10.0.0.1'))).toBe('10.0.0.1');
});

test.each([
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
])('the sender with the address %s is the network %s', (address, network) => {
  expect(senderOf(request(address))).toBe(network);
});

import { expect, test } from '@jest/globals';
import { createSenderOf } from './sender.ts';

const senderOf = createSenderOf(({ socket }) => socket.remoteAddress === '10.0.0.1');
const request = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as never;

test('a sender is known by the address of its connection, or by what a trusted proxy says', () => {
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
])('of %s it is the network %s', (address, network) => {
  expect(senderOf(request(address))).toBe(network);
});

import { expect, test } from '@jest/globals';
import { createNetworks, isNetwork } from './networks.ts';

test.each([
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['fd00::/8', 'fd12::1', true],
  ['::/0', 'fd12::1', true],
  ['0.0.0.0/0', 'localhost', false],
  ['0.0.0.0/0', '', false],
])('%s contains %j: %s', (network, address, isContained) => {
  expect(createNetworks(['203.0.113.0/24', network], 'trustedProxies').contain(address)).toBe(isContained);
});

test.each(['', 'localhost', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/-1', '::1/a'])(
  'refuses %j with the name of the list',
  (network) => {
    expect(isNetwork(network)).toBe(false);
    expect(() => createNetworks(['10.0.0.0/8', network], 'trustedProxies')).toThrow(
      /^trustedProxies: expected an address or a network/,
    );
  },
);

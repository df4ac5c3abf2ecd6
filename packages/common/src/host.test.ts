import { expect, test } from '@jest/globals';
import { isLoopbackName, readHost } from './host.ts';

test.each([
  ['api.example.com', 'api.example.com', undefined],
  ['API.Example.COM.:8443', 'api.example.com', 8443],
  ['gateway_1:', 'gateway_1', undefined],
  ['xn--bcher-kva.example:00080', 'xn--bcher-kva.example', 80],
  ['127.0.0.1:65535', '127.0.0.1', 65_535],
  ['[0:0:0:0:0:0:0:1]:1', '[::1]', 1],
  ['[::FFFF:127.0.0.1]', '[::ffff:7f00:1]', undefined],
  ['1.example', '1.example', undefined],
  [`${'a.'.repeat(126)}b`, `${'a.'.repeat(126)}b`, undefined],
])('reads %s', (header, name, port) => {
  expect(readHost(header)).toEqual({ name, port });
});

test.each([
  ...[
    '',
    ':',
    ':80',
    '.',
    'a..b',
    '.a',
    'a b',
    'a/b',
    'u@a',
    'a,b',
    'a#',
    'a?',
    'a\\b',
    'a%2eb',
    '\u00e4.example',
    'a\u00a0',
  ],
  ...[
    'ap\u0130.example',
    '\u212a.example',
    'a\n',
    'a\0',
    '*.a',
    '[::1',
    '::1',
    '[]',
    '[:]',
    '[::1]a',
    '[::g]',
    '[1.2.3.4]',
    '[v1.a]',
  ],
  ...[
    'a:0',
    'a:65536',
    'a:123456',
    'a:x',
    'a:-1',
    'a: 1',
    'a:1:2',
    '127.1',
    '0x7f.1',
    '0x7F000001',
    '2130706433',
    '256.0.0.1',
  ],
  ...[
    '1.2.3.4.5',
    '127.0.0.01',
    'a.1',
    'a'.repeat(64),
    `${'a.'.repeat(127)}b`,
    'a.'.repeat(30_000),
    'a'.repeat(60_000),
  ],
])('refuses %j', (header) => {
  expect(readHost(header)).toBeUndefined();
});

test.each([
  ...['localhost', 'a.localhost', 'a.b.localhost', '127.0.0.1', '127.255.255.254', '[::1]', '[::ffff:7f00:1]'].map(
    (name) => [name, true] as const,
  ),
  ...[
    'localhost.example',
    'mylocalhost',
    '128.0.0.1',
    '0.0.0.0',
    '127.0.0.1.example',
    '[::]',
    '[::2]',
    '[fe80::1]',
    '[::ffff:8000:1]',
  ].map((name) => [name, false] as const),
])('%s is a loopback name: %s', (name, isLoopback) => {
  expect(isLoopbackName(name)).toBe(isLoopback);
});

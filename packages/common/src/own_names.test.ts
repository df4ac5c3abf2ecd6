import { expect, test } from '@jest/globals';
import { createOwnNames, readPattern } from './own_names.ts';

test.each([
  ['Api.Example.com', 'api.example.com'],
  ['*.Example.com', '*.example.com'],
  ['gateway_1', 'gateway_1'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0::1', '[2001:db8::1]'],
  ['[::1]', '[::1]'],
])('normalizes %s to %s', (pattern, name) => {
  expect(readPattern(pattern)).toBe(name);
});

test.each([
  '',
  '*',
  '*.',
  '**.a',
  'a.*',
  '*.*.a',
  '*.192.0.2.1',
  '*.[::1]',
  '*.::1',
  'a:80',
  'a:',
  '[::1]:80',
  'http://a',
  'a/b',
  'a b',
])('refuses %j', (pattern) => {
  expect(readPattern(pattern)).toBeUndefined();
  expect(() => createOwnNames([pattern])).toThrow(TypeError);
});

const isOwn = createOwnNames(['api.example.com', '*.apps.example.com', '2001:db8::1']);

test.each([
  ...['localhost', '127.0.0.1', '[::1]', 'api.example.com', 'a.b.apps.example.com', '[2001:db8::1]'].map(
    (name) => [name, true] as const,
  ),
  ...[
    'apps.example.com',
    '.apps.example.com',
    'xapps.example.com',
    'a.api.example.com',
    'example.com',
    '[2001:db8::2]',
  ].map((name) => [name, false] as const),
])('%s belongs to the server: %s', (name, belongs) => {
  expect(isOwn(name)).toBe(belongs);
});

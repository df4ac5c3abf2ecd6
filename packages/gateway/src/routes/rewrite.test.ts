import { describe, expect, test } from '@jest/globals';
import { createRewrite, type RewriteConfig } from './rewrite.ts';

const strip = { stripPrefix: true } as const;

describe('The path that the API sees', () => {
  test.each<[string, RewriteConfig, string, string]>([
    ['/orders', strip, '/orders', '/'],
    ['/orders', strip, '/orders/', '/'],
    ['/orders', strip, '/orders?a=//b', '/?a=//b'],
    ['/orders', strip, '/orders/a//b/%7E;c=d?e=%2f', '/a//b/%7E;c=d?e=%2f'],
    ['/orders', strip, '/orders/orders', '/orders'],
    ['/orders', { prefix: '/v2' }, '/orders', '/v2'],
    ['/orders', { prefix: '/v2' }, '/orders?a', '/v2?a'],
    ['/orders', { prefix: '/v2' }, '/orders//a', '/v2//a'],
    ['/orders', { prefix: '/orders/v2' }, '/orders/a', '/orders/v2/a'],
    ['/', { prefix: '/v2' }, '/', '/v2/'],
    ['/', { prefix: '/v2' }, '/a', '/v2/a'],
  ])('of a route at %s with %j, for %s, is %s', (prefix, config, target, rewritten) => {
    expect(createRewrite(prefix, config)(target)).toBe(rewritten);
  });

  test.each(['/orders//evil.example/a', '/orders/%2fevil.example', '/orders/%2Fevil', '/orders/%5cevil'])(
    'is not the address of a server: %s is refused',
    (target) => {
      expect(() => createRewrite('/orders', strip)(target)).toThrow(
        expect.objectContaining({ code: 'invalid_request', status: 400 }),
      );
    },
  );
});

test.each<[string, RewriteConfig]>([
  ['/', strip],
  ['/a', { prefix: '/a' }],
  ['/a', { prefix: '/' }],
  ['/a', { prefix: 'b' }],
  ['/a', { prefix: '//b' }],
  ['/a', { prefix: '/b/' }],
  ['/a', { prefix: '/..' }],
  ['/a', { prefix: '/b?c' }],
])('A route at %s cannot be rewritten with %j', (prefix, config) => {
  expect(() => createRewrite(prefix, config)).toThrow(TypeError);
});

import { describe, expect, test } from '@jest/globals';
import { createRewrite } from './rewrite.ts';

describe('The path at the API', () => {
  test.each<[string, string, string, string]>([
    ['/orders', '', '/orders', '/'],
    ['/orders', '', '/orders/', '/'],
    ['/orders', '', '/orders?a=//b', '/?a=//b'],
    ['/orders', '', '/orders/a//b/%7E;c=d?e=%2f', '/a//b/%7E;c=d?e=%2f'],
    ['/orders', '', '/orders/orders', '/orders'],
    ['/orders', '/v2', '/orders', '/v2'],
    ['/orders', '/v2', '/orders?a', '/v2?a'],
    ['/orders', '/v2', '/orders//a', '/v2//a'],
    ['/orders', '/orders/v2', '/orders/a', '/orders/v2/a'],
    ['/', '/v2', '/', '/v2/'],
    ['/', '/v2', '/a', '/v2/a'],
  ])('of a route at %s with %j in its place, for %s, is %s', (prefix, replacement, target, rewritten) => {
    expect(createRewrite(prefix, replacement)(target)).toBe(rewritten);
  });

  test.each(['/orders//evil.example/a', '/orders/%2fevil.example', '/orders/%2Fevil', '/orders/%5cevil'])(
    'must not look like the address of a server: %s is refused',
    (target) => {
      expect(() => createRewrite('/orders', '')(target)).toThrow(
        expect.objectContaining({ code: 'invalid_request', status: 400 }),
      );
    },
  );
});

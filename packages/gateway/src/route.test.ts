import { describe, expect, test } from '@jest/globals';
import type { RouteConfig } from './config.ts';
import { createRoute, createRouteTable } from './route.ts';

const routeAt = (prefix: string, change: Partial<RouteConfig> = {}) =>
  createRoute({
    prefix,
    upstream: 'http://localhost:4200',
    resource: `https://api.example.com${prefix}`,
    style: 'phantom',
    scopes: {},
    ...change,
  });
const find = createRouteTable(['/api', '/api/admin', '/split'].map((prefix) => routeAt(prefix)));

describe('The route of a request', () => {
  test.each([
    ['/api', '/api'],
    ['/api/', '/api'],
    ['/api?x=/api/admin', '/api'],
    ['/api/orders/1', '/api'],
    ['/api/administrator', '/api'],
    ['/api/admin', '/api/admin'],
    ['/api/admin/users', '/api/admin'],
    ['/api/Orders//%7E/a;b=c/%E2%82%AC/x.y', '/api'],
    ['/split/https://example.com/..a/b..', '/split'],
    ['/split?broken=%E9&more', '/split'],
  ])('%s is %s', (target, prefix) => {
    expect(find(target).prefix).toBe(prefix);
  });

  test('is the root, where there is one', () => {
    expect(createRouteTable([routeAt('/')])('/anything/else').prefix).toBe('/');
  });

  test.each(['/', '/apis', '/splitter', '/API', '/%61pi', '/other/api'])('%s is none: not_found', (target) => {
    expect(() => find(target)).toThrow(expect.objectContaining({ code: 'not_found', status: 404 }));
  });
});

describe('A request target is refused', () => {
  test.each([
    '',
    '*',
    'api',
    'http://localhost/api',
    'localhost:80',
    '//api',
    '//localhost/api',
    '/api\\..\\split',
    '/api#fragment',
    '/api/%',
    '/api/%4',
    '/api/%zz',
    '/api?x=%',
    '/api/%ff',
    '/api/%c0%ae%c0%ae/split',
    '/api/%00',
    '/api/%0d%0a',
    '/api/\x7f',
    '/api/\xe9',
    '/api/a b',
  ])('when it is malformed: %j', (target) => {
    expect(() => find(target)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 400 }));
  });

  test.each([
    '/api/../split',
    '/api/..',
    '/api/.',
    '/api/./x',
    '/api/%2e%2e/split',
    '/api/%2E./split',
    '/api/.%2e',
    '/api/..%2fsplit',
    '/api/..%5csplit',
    '/api/x%2f..%2f..%2fsplit',
    '/api/..;/split',
    '/api/..;a=b/split',
    '/api/%2e%2e%3b/split',
  ])('when it has dot-segments: %s', (target) => {
    expect(() => find(target)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 400 }));
  });

  test.each([
    '/api/%61dmin/users',
    '/api//admin',
    '/api/ADMIN',
    '/api/admin%2fusers/..x'.replace('admin%2f', '%2fadmin%2f'),
    '/api/;x/admin',
    '/api/admin;x/users',
    '/api/%5cadmin',
  ])('when a server could take it for the path of another route: %s', (target) => {
    expect(() => find(target)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 400 }));
  });
});

describe('A route cannot be served', () => {
  test.each(['', 'api', '/api/', '//api', '/api?x', '/a%20b', '/a/../b', '/a b', '/.'])('at %j', (prefix) => {
    expect(() => routeAt(prefix)).toThrow(TypeError);
  });

  test('with a style that is none, an upstream with a path, no resource, or no audience', () => {
    expect(() => routeAt('/a', { style: 'magic' as 'jwt' })).toThrow(TypeError);
    expect(() => routeAt('/a', { upstream: 'http://localhost/b' })).toThrow(TypeError);
    expect(() => routeAt('/a', { resource: '' })).toThrow(TypeError);
    expect(() => routeAt('/a', { audience: '' })).toThrow(TypeError);
  });

  test('beside another one that differs in case only', () => {
    expect(() => createRouteTable([routeAt('/a'), routeAt('/A')])).toThrow(TypeError);
  });
});

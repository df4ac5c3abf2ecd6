import { describe, expect, test } from '@jest/globals';
import type { RouteConfig } from '../config/route.ts';
import { gatewayConfigOf, type RouteInput } from '../testing/gateway_config.ts';
import { createRoute, type Route } from './route.ts';
import { createRouteTable, type FindRoute } from './route_table.ts';

const upstream = 'http://localhost:4200';
function routeAt(prefix: string, change: Partial<RouteInput> = {}): Route {
  const route = { prefix, upstream, api: `https://api.example.com${prefix}`, ...change };
  const config = gatewayConfigOf({ routes: [route] });
  return createRoute(config.routes[0] as RouteConfig, config, Date.now);
}
const publicAt = (prefix: string) => routeAt(prefix, { api: undefined, public: true });
const findIn = (table: FindRoute) => (target: string) => table(target, undefined);
const find = findIn(createRouteTable(['/api', '/api/admin', '/split'].map((prefix) => routeAt(prefix))));

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
    ['/api/orders./1.', '/api'],
    ['/api/orders%20', '/api'],
  ])('of %s is %s', (target, prefix) => {
    expect(find(target).prefix).toBe(prefix);
  });

  test('is the root route if there is one', () => {
    expect(createRouteTable([routeAt('/')])('/anything/else', undefined).prefix).toBe('/');
  });

  test.each(['/', '/apis', '/splitter', '/API', '/%61pi', '/other/api'])(
    'of %s does not exist: not_found',
    (target) => {
      expect(() => find(target)).toThrow(expect.objectContaining({ code: 'not_found', status: 404 }));
    },
  );
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
    '/api/..%20/split',
    '/api/%20../split',
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
    '/api/admin.',
    '/api/admin...',
    '/api/admin%20',
    '/api/admin%09',
    '/api/admin.%20.',
    '/api/admin%C2%A0',
    '/api/%20admin',
    '/api/admin./users',
    '/api/admin.;x',
    '/api/.../admin',
    '/api/admin%252e',
  ])('when a server could interpret it as the path of another route: %s', (target) => {
    expect(() => find(target)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 400 }));
  });
});

describe('A public route and a protected one', () => {
  const inside = findIn(createRouteTable([routeAt('/'), publicAt('/public')]));
  const around = findIn(createRouteTable([publicAt('/'), routeAt('/admin')]));

  test.each([
    ['/public', true],
    ['/public/a', true],
    ['/publicity', false],
    ['/other', false],
  ])('the longest prefix decides: %s is public inside a protected prefix: %s', (target, isPublic) => {
    expect(inside(target).isPublic).toBe(isPublic);
  });

  test.each([
    ['/admin', false],
    ['/admin/a', false],
    ['/administrator', true],
    ['/', true],
  ])('the longest prefix decides: %s is public outside a protected prefix: %s', (target, isPublic) => {
    expect(around(target).isPublic).toBe(isPublic);
  });

  test.each([
    '/Public',
    '/%70ublic',
    '/public;x',
    '//public',
    '/x/%2e%2e/public',
    '/public/../admin',
    '/public/..;/admin',
    '/public/%2e%2e/admin',
    '/public/%252e%252e/admin',
    '/public/..%2fadmin',
    '/public%2fa',
    '/public\\a',
  ])('%s is refused, because some server would interpret it as the other', (target) => {
    expect(() => inside(target)).toThrow(expect.objectContaining({ status: 400 }));
  });

  test.each([
    '/Admin',
    '/%61dmin',
    '/%2561dmin',
    '/%252561dmin',
    '/%2561dmin;%25zz',
    '/%2561dmin;%25ff',
    '/%2561dmin;%2500',
    '/%2561dmin;%250a',
    '/admin;%250a/a',
    '/%41DMIN',
    '/admin%2fa',
    '/admin;x/a',
    '/;/admin',
    '/%2fadmin',
    '/x%2f..%2fadmin',
    '/x/..;/admin',
    '/x/%252e%252e%252fadmin',
    '/.//admin',
  ])('%s is not public, because some server would interpret it as the protected one', (target) => {
    expect(() => around(target)).toThrow(expect.objectContaining({ status: 400 }));
  });

  test.each(['/100%25', '/a%2520b', '/%25zz/%25ff'])(
    '%s is served: decoding it twice does not yield the path of another route',
    (target) => {
      expect(around(target).isPublic).toBe(true);
    },
  );
});

test('A path that is encoded many times is refused quickly', () => {
  const find = findIn(createRouteTable([publicAt('/')]));
  expect(find(`/%${'25'.repeat(4)}41`).isPublic).toBe(true);
  expect(() => find(`/%${'25'.repeat(5)}41`)).toThrow(expect.objectContaining({ status: 400 }));
  expect(() => find(`/%${'25'.repeat(30_000)}`)).toThrow(expect.objectContaining({ status: 400 }));
});

test('A path of many dots is read quickly', () => {
  const find = findIn(createRouteTable([publicAt('/')]));
  expect(find(`/${'.'.repeat(60_000)}x`).isPublic).toBe(true);
  expect(find(`/${'%20'.repeat(20_000)}x`).isPublic).toBe(true);
});

describe('The host of a route', () => {
  const hosted = (host: string | undefined, prefix: string) =>
    routeAt(prefix, { api: `https://${host ?? 'any'}${prefix}`, host });
  const table = createRouteTable([
    hosted(undefined, '/'),
    hosted(undefined, '/a/long/prefix'),
    hosted('api.example.com', '/'),
    hosted('*.example.com', '/a/long'),
    hosted('*.api.example.com', '/a'),
    hosted('Other.Example.com', '/only'),
  ]);
  const found = (host: string | undefined, target: string) => {
    const { api } = table(target, host);
    return api;
  };

  test.each([
    ['api.example.com', '/a/long/prefix', 'https://api.example.com/'],
    ['API.Example.COM', '/', 'https://api.example.com/'],
    ['api.example.com:8443', '/', 'https://api.example.com/'],
    ['api.example.com.', '/', 'https://api.example.com/'],
    ['api.example.com.:80', '/', 'https://api.example.com/'],
    ['x.example.com', '/a/long/prefix', 'https://*.example.com/a/long'],
    ['x.y.example.com', '/a/long', 'https://*.example.com/a/long'],
    ['x.api.example.com', '/a/long', 'https://*.api.example.com/a'],
    ['x.example.com', '/b', 'https://any/'],
    ['example.com', '/a/long', 'https://any/'],
    ['other.example.com', '/only/a', 'https://Other.Example.com/only'],
    ['other.example.com', '/a/long/prefix', 'https://*.example.com/a/long'],
    ['badexample.com', '/a/long', 'https://any/'],
    ['api.example.com.evil.org', '/', 'https://any/'],
    ['127.0.0.1:4100', '/', 'https://any/'],
    ['[::1]:4100', '/', 'https://any/'],
    ['sample_api', '/', 'https://any/'],
    [undefined, '/a/long/prefix', 'https://any/a/long/prefix'],
  ])('decides before the prefix: %s%s is %s', (host, target, resource) => {
    expect(found(host, target)).toBe(resource);
  });

  test.each([
    '',
    'api.example.com, evil.org',
    'evil.org@api.example.com',
    'api.example.com/x',
    'api%2eexample.com',
    'api..example.com',
    '.api.example.com',
    '*.example.com',
    'äpi.example.com',
    'ap\u0130.example.com',
    'api.example.com:x',
    'api.example.com#',
    ' api.example.com',
    '[::1',
  ])('is refused when it is malformed: %j', (host) => {
    expect(() => table('/', host)).toThrow(expect.objectContaining({ code: 'invalid_request', status: 400 }));
  });

  test('is ignored when no route has one', () => {
    expect(createRouteTable([routeAt('/')])('/', 'a"b').prefix).toBe('/');
  });

  test('includes less specific routes: a path that is ambiguous for the same host is refused', () => {
    expect(() => table('/A/long/prefix', 'unknown.org')).toThrow(expect.objectContaining({ status: 400 }));
    expect(found('unknown.org', '/only')).toBe('https://any/');
  });
});

import { describe, expect, test } from '@jest/globals';
import type { ProtectedRouteConfig } from '../config/config.ts';
import { createRoute } from './route.ts';

const defaults = { issuer: 'https://login.example.com', timeouts: { authorizationServer: 1, upstream: 1 } };
const upstream = 'http://localhost:4200';
const resource = 'https://api.example.com/a';
const routeAt = (prefix: string, change: Partial<ProtectedRouteConfig> = {}) =>
  createRoute({ prefix, upstream, resource, style: 'phantom', scopes: {}, ...change }, defaults, Date.now);

describe('A route cannot be served', () => {
  test.each(['', 'api', '/api/', '//api', '/api?x', '/a%20b', '/a/../b', '/a b', '/.', '/a.', '/a./b'])(
    'at %j',
    (prefix) => {
      expect(() => routeAt(prefix)).toThrow(TypeError);
    },
  );

  test.each(['', '*', '*.', 'a b', 'api.example.com:443', 'http://api.example.com', 'a.*.com', 'äpi.com', '.com'])(
    'at the host %j',
    (host) => {
      expect(() => routeAt('/a', { host })).toThrow(TypeError);
    },
  );

  test('with a style that is none, an upstream with a path, or no resource', () => {
    expect(() => routeAt('/a', { style: 'magic' as 'jwt' })).toThrow(TypeError);
    expect(() => routeAt('/a', { upstream: 'http://localhost/b' })).toThrow(TypeError);
    expect(() => routeAt('/a', { resource: '' })).toThrow(TypeError);
  });

  test.each([[[]], [''], [['']]])('for the audience %j', (audience) => {
    expect(() => routeAt('/a', { audience })).toThrow(TypeError);
  });

  test.each([[{}], [{ anyOf: [] }], [{ allOf: [] }]])('with the scopes %j, which nobody or everybody has', (scopes) => {
    expect(() => routeAt('/a', { scopes: { GET: scopes } })).toThrow(TypeError);
  });

  test.each(['resource', 'audience', 'issuer', 'style', 'scopes', 'onMiss'])('as a public one with %s', (member) => {
    const config = { prefix: '/a', upstream, public: true as const, [member]: undefined };
    expect(() => createRoute(config, defaults, Date.now)).toThrow(`must not have ${member}`);
  });
});

test('Tokens are cached apart by style, issuer and audience', () => {
  const changes: Partial<ProtectedRouteConfig>[] = [
    {},
    { style: 'split' },
    { style: 'split', onMiss: 'introspect' },
    { issuer: 'https://other.example.com' },
    { audience: 'https://b' },
    { audience: ['https://b', 'https://c'] },
    { resource: 'https://b' },
  ];
  const partitions = changes.map((change) => {
    const route = routeAt('/a', change);
    return route.isPublic ? undefined : route.cachePartition;
  });
  expect(new Set(partitions).size).toBe(changes.length);
});

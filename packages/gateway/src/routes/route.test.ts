import { describe, expect, test } from '@jest/globals';
import { type GatewayInput, gatewayConfigOf, type RouteInput } from '../testing/gateway_config.ts';
import { createRoute, type ProtectedRoute } from './route.ts';

const upstream = 'http://localhost:4200';
const resource = 'https://api.example.com/a';

function protectedRoute(change: Partial<RouteInput> = {}, gateway: Partial<GatewayInput> = {}): ProtectedRoute {
  const config = gatewayConfigOf({ ...gateway, routes: [{ prefix: '/a', upstream, api: resource, ...change }] });
  const [route] = config.routes.map((each) => createRoute(each, config, Date.now));
  if (route === undefined || route.isPublic) throw new Error('it is not protected');
  return route;
}

const other = 'https://other.example.com';
const issuers = [
  {
    issuer: other,
    introspectionEndpoint: `${other}/introspect`,
    client: { id: 'gateway', secret: 'secret' },
    introspection: { tokenPattern: 'ory_at_.+' },
  },
];

test('Tokens are cached separately by style, issuer and audience', () => {
  const apis = (accessTokens: 'phantom' | 'split', audience?: string | string[]) => ({
    apis: [{ resource, accessTokens, audience }],
  });
  const routes = [
    protectedRoute(),
    protectedRoute({}, apis('split')),
    protectedRoute({ onMiss: 'introspect' }, apis('split')),
    protectedRoute({ issuer: other, accessTokens: 'phantom' }, { issuers }),
    protectedRoute({ audience: 'https://b' }),
    protectedRoute({ audience: ['https://b', 'https://c'] }),
    protectedRoute({ api: 'https://b' }),
    protectedRoute({}, apis('phantom', 'https://d')),
  ];
  expect(new Set(routes.map(({ cachePartition }) => cachePartition)).size).toBe(routes.length);
});

describe('The audience of a route', () => {
  test.each<[string, string | string[] | undefined, string | string[] | undefined, string[]]>([
    ['is its API', undefined, undefined, [resource]],
    ['is the audience of its API', 'https://b', undefined, ['https://b']],
    ['is its API, if that is one of several', ['https://b', resource], undefined, [resource]],
    ['is the first of several', ['https://b', 'https://c'], undefined, ['https://b']],
    ['is its own', 'https://b', ['https://c', 'account'], ['https://c', 'account']],
  ])('%s', (_, ofApi, own, audience) => {
    const apis = [{ resource, accessTokens: 'phantom', audience: ofApi } as const];
    expect(protectedRoute({ audience: own }, { apis }).audience).toEqual(audience);
  });
});

describe('The shape of a client-held token', () => {
  const reference = 'a'.repeat(43);
  const shape = (change: Partial<RouteInput>, gateway?: Partial<GatewayInput>) =>
    protectedRoute(change, gateway).tokenShape;

  test('of the own issuer is a reference of fixed length, or introspection.tokenPattern', () => {
    expect([reference, `${reference}a`].map((token) => shape({}).test(token))).toEqual([true, false]);
    const patterned = shape({}, { introspection: { tokenPattern: 'a|b' } });
    expect(['a', 'b', 'ab'].map((token) => patterned.test(token))).toEqual([true, true, false]);
  });

  test('of another issuer is its tokenPattern, or any', () => {
    const foreign = { issuer: other, accessTokens: 'phantom' } as const;
    expect(['ory_at_x', reference].map((token) => shape(foreign, { issuers }).test(token))).toEqual([true, false]);
    const unknown = issuers.map((issuer) => ({ ...issuer, introspection: {} }));
    expect(['mF_9.B5f-4.1JqM', 'a b'].map((token) => shape(foreign, { issuers: unknown }).test(token))).toEqual([
      true,
      false,
    ]);
  });
});

describe('The cookie of a route', () => {
  const origins = ['https://app.example.com'];
  const handler = { client: { id: 'app' }, api: resource, cookie: '__Host-app', origins, csrfHeader: 'X-App' };

  test.each([
    ['has the rules of the token handler that sets it', '__Host-app', {}, origins, 'x-app'],
    ['may have its own', '__Host-app', { origins: [], csrfHeader: 'X-Own' }, [], 'x-own'],
    ['has the usual ones without a token handler', '__Host-b', {}, [], 'x-csrf'],
  ])('%s', (_, name, own, expected, csrfHeader) => {
    const { tokenCookie } = protectedRoute({ tokenCookie: { name, ...own } }, { tokenHandlers: [handler] });
    expect(tokenCookie).toEqual({ name, origins: new Set(expected), csrfHeader });
  });
});

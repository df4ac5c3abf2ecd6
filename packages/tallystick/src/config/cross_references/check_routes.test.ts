import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../config_error.ts';
import { checkConfig, loadConfig } from '../load_config.ts';

const DEMO = new URL('../../../../../tallystick.config.yaml', import.meta.url).pathname;

/** What is wrong with the demo configuration when its gateway is changed. @param others what else is */
async function problemsWith(gateway: object, others: object = {}): Promise<readonly string[]> {
  const config = await loadConfig(DEMO);
  try {
    checkConfig({ ...config, ...others, gateway: { ...config.gateway, ...gateway } });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const api = 'https://api.example.com/phantom';
const upstream = 'http://localhost:5000';
const partner = { issuer: 'https://partner.example.com', jwksUri: 'https://partner.example.com/jwks' };
const foreign = { prefix: '/p', api: 'https://partner.example.com/api', issuer: partner.issuer, upstream };

describe('refuses a route', () => {
  test.each<[string, object, string]>([
    ['that has no API and is not public', {}, 'api: expected the resource of an API, or `public: true` beside it'],
    ['that is public: false', { api, public: false }, 'public: expected true, or nothing; found false'],
    ['that is public with an api', { public: true, upstream, api }, 'api: expected nothing: the route is public'],
    ['that is public with scopes', { public: true, upstream, scopes: {} }, 'scopes: expected nothing: the route is'],
    [
      'that is public and has the sample API as its upstream',
      { public: true },
      'upstream: expected an origin: the sample API serves',
    ],
    ['with an unknown API', { api: 'https://x' }, 'api: expected the resource of one of the apis; found'],
    ['with an unknown issuer', { api, issuer: 'https://x', accessTokens: 'jwt', upstream }, 'issuer: expected one of'],
    [
      'with an access token style for an API of its own authorization server',
      { api, accessTokens: 'jwt' },
      "accessTokens: expected this in the API's entry",
    ],
    ['with a host and port', { api, host: 'api.example.com:80' }, 'host: expected a host name without a port'],
    ['with a subprotocol that has no dot', { api, tokenSubprotocol: 'a' }, 'tokenSubprotocol: expected a prefix'],
    [
      'with both a token cookie and a token subprotocol',
      { api, tokenSubprotocol: 'a.', tokenCookie: { name: '__Host-a', origins: [], csrfHeader: 'X-CSRF' } },
      'tokenSubprotocol: expected nothing beside tokenCookie',
    ],
    [
      'that is public with a subprotocol',
      { public: true, upstream, tokenSubprotocol: 'a.' },
      'tokenSubprotocol: expected',
    ],
    ['with an invalid value for accessTokenInQuery', { api, accessTokenInQuery: 'allow' }, 'accessTokenInQuery: '],
    ['with an empty anyOf', { api, scopes: { GET: { anyOf: [] } } }, 'scopes.GET.anyOf: '],
    [
      'with the same upstream twice',
      { api, upstreams: [upstream, upstream] },
      'upstreams: expected origins that differ',
    ],
    [
      'with upstreams that differ in scheme',
      { api, upstreams: [upstream, 'https://a'] },
      'upstreams: expected the same scheme',
    ],
    [
      'with both upstream and upstreams',
      { api, upstream, upstreams: [upstream, 'http://b'] },
      'upstream: expected nothing',
    ],
    [
      'with both kinds of rewrite',
      { api, rewrite: { stripPrefix: true, prefix: '/b' } },
      'rewrite: expected { stripPrefix',
    ],
    [
      'that rewrites to a path with dot segments',
      { api, rewrite: { prefix: '/../b' } },
      'rewrite.prefix: expected segments',
    ],
    [
      'that rewrites to its own prefix',
      { api, rewrite: { prefix: '/a' } },
      'rewrite: expected another prefix than that of the route',
    ],
    [
      'that allows credentials from every origin',
      { api, cors: { origins: ['*'], credentials: true } },
      'cors.origins: expected a list of origins, without `*` or `null`, where credentials is true',
    ],
    [
      'that allows origins by a pattern',
      { api, cors: { origins: ['https://*.a.org'] } },
      'cors.origins[0]: expected an origin, without',
    ],
    ['with a negative limit', { api, limits: { maxBodyBytes: -1 } }, 'limits.maxBodyBytes: '],
    ['with a timeout of 0', { api, timeouts: { upstream: 0 } }, 'timeouts.upstream: '],
    [
      'that forwards DPoP proofs although the API gets another token',
      { api, dpop: { forward: true } },
      'dpop.forward: expected false',
    ],
    [
      'that requires DPoP for a token in a cookie',
      { api, dpop: { required: true }, tokenCookie: { name: '__Host-token', origins: [], csrfHeader: 'X-CSRF' } },
      'dpop.required: expected false: a token in a cookie has no proof',
    ],
    [
      'that is public with DPoP settings',
      { public: true, upstream, dpop: {} },
      'dpop: expected nothing: the route is public',
    ],
    ['with a method in lower case', { api, scopes: { get: [] } }, 'scopes.get: '],
  ])('%s', async (_what, route, problem) => {
    const problems = await problemsWith({ routes: [{ prefix: '/a', ...route }] });
    expect(problems).toEqual([expect.stringContaining(`gateway.routes[0].${problem}`)]);
  });

  test('of another issuer without a style, an upstream or introspection', async () => {
    const routes = [
      { ...foreign, prefix: '/1', accessTokens: 'phantom' },
      { ...foreign, prefix: '/2', accessTokens: 'jwt', upstream: undefined },
      { ...foreign, prefix: '/3' },
    ];
    expect(await problemsWith({ issuers: [partner], routes })).toEqual([
      expect.stringContaining(
        'gateway.routes[0].issuer: expected an issuer with an introspectionEndpoint and a client',
      ),
      expect.stringContaining('gateway.routes[2].accessTokens: expected the access token style'),
      expect.stringContaining(
        'gateway.routes[1].upstream: expected an origin: the sample API does not trust other issuers',
      ),
    ]);
  });

  test('that has the host and prefix of another route', async () => {
    const at = (place: object) => ({ api, upstream, ...place });
    const places = [
      { prefix: '/a' },
      { prefix: '/A' },
      { prefix: '/a', host: 'a.org' },
      { prefix: '/a', host: 'A.org' },
    ];
    expect(await problemsWith({ routes: places.map(at) })).toEqual([
      expect.stringContaining(
        'gateway.routes[1].prefix: expected another prefix: a route for the same host already has it',
      ),
      expect.stringContaining(
        'gateway.routes[3].prefix: expected another prefix: a route for the same host already has it',
      ),
    ]);
  });
});

describe('the prefix of a route', () => {
  test.each(['/split/', '/a//b', '//', 'a', '/a b', '/%61', '/a?b', '/a/'])(
    'refuses %s and names the path in the configuration',
    async (prefix) => {
      expect(await problemsWith({ routes: [{ prefix, api }] })).toEqual([
        `gateway.routes[0].prefix: expected "/", or segments such as /orders/v1; found ${JSON.stringify(prefix)}`,
      ]);
    },
  );

  test.each(['/', '/v1~beta', '/a.b/c_d-e'])('accepts %s', async (prefix) => {
    expect(await problemsWith({ routes: [{ prefix, api, upstream }] })).toEqual([]);
  });
});

describe('the resource indicator of an API', () => {
  const apisAt = (...resources: string[]) => ({
    apis: resources.map((resource) => ({ resource, scopes: [] })),
    clients,
  });
  const clients = ['gateway', 'orders-api'].map((id) => ({ id, secret: `${id}-secret`, introspects: true }));

  test.each(['api://orders', 'urn:example:orders', 'https://api.example.com/?a=b'])('can be %s', async (resource) => {
    expect(await problemsWith({ routes: [{ prefix: '/a', api: resource }] }, apisAt(resource))).toEqual([]);
  });

  test('has no fragment (RFC 8707 section 2)', async () => {
    const problems = await problemsWith({ routes: [{ prefix: '/a', api: 'https://a/#b' }] }, apisAt('https://a/#b'));
    const expected = 'expected an absolute URI without a fragment (RFC 8707 section 2); found "https://a/#b"';
    expect(problems).toEqual([`gateway.routes[0].api: ${expected}`, `apis[0].resource: ${expected}`]);
  });

  test('may have the path of another API if the hosts of their routes differ', async () => {
    const [one, two] = ['https://one.example.com/orders', 'https://two.example.com/orders'];
    const routesAt = (...hosts: (string | undefined)[]) =>
      hosts.map((host, index) => ({ prefix: `/${index}`, api: index === 0 ? one : two, upstream, host }));
    const problemsAt = (...hosts: (string | undefined)[]) =>
      problemsWith({ routes: routesAt(...hosts) }, apisAt(one, two));
    const at = (index: number, api: string) =>
      expect.stringContaining(
        `gateway.routes[${index}].host: expected a host name of its own: the metadata of "${api}" has the same path`,
      );
    expect(await problemsAt('one.example.com', 'two.example.com')).toEqual([]);
    expect(await problemsAt(undefined, undefined)).toEqual([at(0, two), at(1, one)]);
    expect(await problemsAt('one.example.com', '*.example.com')).toEqual([at(1, one)]);
    expect(await problemsAt('one.example.com', 'ONE.example.com')).toEqual([at(1, one)]);
  });
});

test('refuses routes whose requests the sample API cannot tell apart', async () => {
  const strip = { rewrite: { stripPrefix: true } };
  const taken = await problemsWith({
    routes: [
      { prefix: '/a', api },
      { prefix: '/a', api, host: 'a.org' },
      { prefix: '/b', api, ...strip },
      { prefix: '/c', api, ...strip, upstream },
    ],
  });
  const expected = 'upstream: expected an origin: the sample API would confuse the calls with those of another route';
  expect(taken).toEqual([
    expect.stringContaining(`gateway.routes[1].${expected}`),
    expect.stringContaining(`gateway.routes[2].${expected}`),
  ]);
  expect(await problemsWith({ routes: [{ prefix: '/a', api, rewrite: { prefix: '/b' } }] })).toEqual([]);
  expect(
    await problemsWith({
      routes: [
        { prefix: '/a', api },
        { prefix: '/a/b', api },
      ],
    }),
  ).toEqual([]);
});

test('refuses a duplicate issuer', async () => {
  const own = { ...partner, issuer: 'http://localhost:4000' };
  expect(await problemsWith({ issuers: [partner, own, partner] })).toEqual([
    expect.stringContaining('gateway.issuers[1].issuer: expected another issuer'),
    expect.stringContaining('gateway.issuers[2].issuer: expected another issuer'),
  ]);
});

test('accepts a public route, a route that needs one of several scopes, and a route of another issuer', async () => {
  const routes = [
    { prefix: '/', host: '*.example.com', public: true, upstream },
    { prefix: '/a', api, audience: ['https://a', api], scopes: { GET: ['read'], '*': { anyOf: ['write', 'admin'] } } },
    { ...foreign, accessTokens: 'jwt', audience: ['account', '0oa1b2c3', 'https://a'] },
  ];
  expect(await problemsWith({ issuers: [partner], routes })).toEqual([]);
});

const own = 'expected another server: this is the gateway itself';
test.each<[string, object, string | undefined, string[]]>([
  ['by its host name', { upstream: 'http://localhost:4100' }, undefined, [`gateway.routes[0].upstream: ${own}`]],
  ['by a loopback address', { upstream: 'http://127.0.0.1:4100' }, undefined, [`gateway.routes[0].upstream: ${own}`]],
  [
    'by a loopback address, while it listens on all addresses',
    { upstream: 'http://[::1]:4100' },
    '0.0.0.0',
    [`gateway.routes[0].upstream: ${own}`],
  ],
  [
    'by its configured address',
    { upstream: 'http://10.0.0.5:4100' },
    '10.0.0.5',
    [`gateway.routes[0].upstream: ${own}`],
  ],
  [
    'as one of several upstreams',
    { upstreams: ['http://api:8080', 'http://localhost:4100'] },
    undefined,
    [`gateway.routes[0].upstreams[1]: ${own}`],
  ],
  ['not on another port', { upstream: 'http://localhost:4200' }, undefined, []],
  ['not on another host', { upstream: 'http://api:4100' }, undefined, []],
  ['not on loopback, while it listens on another address', { upstream: 'http://localhost:4100' }, '10.0.0.5', []],
])('refuses a route that leads to the gateway itself: %s', async (_, route, host, problems) => {
  const routes = [{ prefix: '/loop', public: true, ...route }];
  const found = await problemsWith({ port: 4100, routes }, host === undefined ? {} : { host });
  expect(found).toEqual(problems.map((problem) => expect.stringContaining(problem)));
});

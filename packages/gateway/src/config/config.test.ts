import { describe, expect, test } from '@jest/globals';
import { validate } from '@tallystick/common/config';
import { api, type GatewayInput, route, styles } from '../testing/gateway_config.ts';
import { gatewayConfig } from './config.ts';

const upstream = 'http://localhost:4200';
const partner = 'https://partner.example.com';
const minimal = {
  issuer: 'https://login.example.com',
  authorizationServer: { introspectionEndpoint: 'http://127.0.0.1:9/i', jwksUri: 'http://127.0.0.1:9/j' },
  client: { id: 'gateway', secret: 'secret' },
  apis: styles.map((style) => ({ resource: api(style), accessTokens: style })),
  routes: [route('phantom', upstream)],
};

/** What is wrong with a configuration: the path of each value, what was expected and what was found. */
function problemsOf(change: object): [path: string, expected: string, found: unknown][] {
  const { error } = validate(gatewayConfig, { ...minimal, ...change });
  return (error?.issues ?? []).map(({ path, message, input }) => [path.join('.'), message, input]);
}

const routeWith = (change: object) => ({ routes: [{ ...route('phantom', upstream), ...change }] });
const issuerWith = (change: object) => ({ issuers: [{ issuer: partner, ...change }] });
const foreign = (change: object) => routeWith({ issuer: partner, accessTokens: 'phantom', ...change });

test('what is not configured is the default', () => {
  const { cache, timeouts, limits, webSockets, introspection, upstreamHealth, dpop } = gatewayConfig.parse(minimal);
  expect(cache).toEqual({
    ...{ maxEntries: 10_000, maxBytes: 64 * 1024 * 1024, maxAge: 300, shared: false },
    negative: { maxEntries: 1_000, maxBytes: 1024 * 1024, maxAge: 5 },
  });
  expect(timeouts).toMatchObject({ authorizationServer: 3_000, upstream: 30_000, client: 60_000 });
  expect(limits).toEqual({ maxHeaderBytes: 65_536, maxResponseHeaderBytes: 65_536 });
  expect(webSockets).toEqual({ closeWithToken: true, tokenCloseCode: 4401 });
  expect(introspection).toMatchObject({ accept: 'application/jwt', maxConcurrent: 64, audience: 'required' });
  expect(upstreamHealth).toEqual({ maxFailures: 3, coolDown: 10_000, maxCoolDown: 120_000, failureStatuses: [] });
  expect(dpop).toMatchObject({ maxAge: 60, clockTolerance: 5, nonce: 'off', replay: 'store' });
});

describe('A configuration is refused', () => {
  test.each<[string, object, string, string | RegExp, unknown]>([
    ['without an issuer', { issuer: '' }, 'issuer', /Too small/, ''],
    [
      'with a JWKS that is no URL',
      { authorizationServer: { ...minimal.authorizationServer, jwksUri: 'jwks' } },
      'authorizationServer.jwksUri',
      'expected an http or https URL',
      'jwks',
    ],
    ...['http://a.example', 'a.example:80', 'a b', '*', '*.192.0.2.1', ''].map(
      (host): [string, object, string, string, unknown] => [
        `with the host ${JSON.stringify(host)}`,
        { hosts: [host] },
        'hosts.0',
        'expected a host name or an address without a port, or *. and a host name',
        host,
      ],
    ),
    [
      'with a public URL that has a path',
      { publicUrl: 'https://gateway.example.com/path' },
      'publicUrl',
      /^expected scheme and authority only/,
      'https://gateway.example.com/path',
    ],
    [
      'with a client without credentials',
      { client: { id: 'gateway' } },
      'client.secret',
      'expected one of secret, privateKey and certificate',
      undefined,
    ],
    ['with a short secret', { secret: 'short' }, 'secret', /Too small/, 'short'],
    [
      'with a name for a trusted proxy',
      { trustedProxies: ['proxy.example.com'] },
      'trustedProxies.0',
      /^expected an/,
      'proxy.example.com',
    ],
    ['with a cache of no entries', { cache: { maxEntries: 0 } }, 'cache.maxEntries', /Too small/, 0],
    ['with a cache of no bytes', { cache: { maxBytes: 0 } }, 'cache.maxBytes', /Too small/, 0],
    ['with a limit below nothing', { limits: { maxBodyBytes: -1 } }, 'limits.maxBodyBytes', /Too small/, -1],
    ['with no time to cool down', { upstreamHealth: { coolDown: 0 } }, 'upstreamHealth.coolDown', /Too small/, 0],
    [
      'with a timeout that is no number',
      { timeouts: { upstream: Number.NaN } },
      'timeouts.upstream',
      /NaN/,
      Number.NaN,
    ],
    [
      'with no introspection at a time',
      { introspection: { maxConcurrent: 0 } },
      'introspection.maxConcurrent',
      /Too small/,
      0,
    ],
    [
      'with a pattern that is none',
      { introspection: { tokenPattern: '[' } },
      'introspection.tokenPattern',
      'expected a regular expression',
      '[',
    ],
    [
      'with symmetric algorithms of proofs',
      { dpop: { algorithms: ['HS256'] } },
      'dpop.algorithms.0',
      /"ES256"/,
      'HS256',
    ],
    ['without routes', { routes: [] }, 'routes', /Too small/, []],
    [
      'with decision endpoints for nobody',
      { decisionEndpoints: [{ path: '/decide', for: 'nginx' }] },
      'trustedProxies',
      'expected the addresses of the gateways that use the decision endpoints',
      [],
    ],
    [
      'with a redirect for another gateway than NGINX',
      { trustedProxies: ['127.0.0.1'], decisionEndpoints: [{ path: '/decide', for: 'envoy', accelRedirect: '@api' }] },
      'decisionEndpoints.0.accelRedirect',
      'expected only with `for: nginx`',
      expect.anything(),
    ],
    [
      'with a redirect to no named location',
      { trustedProxies: ['127.0.0.1'], decisionEndpoints: [{ path: '/decide', for: 'nginx', accelRedirect: '/api' }] },
      'decisionEndpoints.0.accelRedirect',
      'expected a named location such as "@api"',
      '/api',
    ],
    [
      'with JWTs of its own and no name',
      { introspection: { accept: 'application/json' } },
      'ownJwts.issuer',
      'expected this, or gateway.publicUrl, because the gateway makes JWTs',
      undefined,
    ],
    [
      'with its own issuer among the others',
      { issuers: [{ issuer: minimal.issuer }] },
      'issuers.0.issuer',
      'expected another issuer: an earlier entry has this one',
      minimal.issuer,
    ],
  ])('%s', (_, change, path, expected, found) => {
    expect(problemsOf(change)).toEqual([
      [path, typeof expected === 'string' ? expected : expect.stringMatching(expected), found],
    ]);
  });

  test.each([1000, 1001, 1006, 2999, 5000])('with the close code %d, which means something else', (tokenCloseCode) => {
    expect(problemsOf({ webSockets: { tokenCloseCode } })).toEqual([
      ['webSockets.tokenCloseCode', 'expected 1008, or a code from 3000 to 4999', tokenCloseCode],
    ]);
  });

  test.each([
    ['introspection.circuitBreaker.pause', { introspection: { circuitBreaker: { pause: 0 } } }],
    ['jwts.algorithms', { jwts: { algorithms: [] } }],
    ['jwts.algorithms.1', { jwts: { algorithms: ['ES256', 'HS256'] } }],
    ['jwts.algorithms.0', { jwts: { algorithms: ['none'] } }],
    ['jwts.insecureTypes.0', { jwts: { insecureTypes: ['at+jwt'] } }],
    ['scopeClaims.0', { scopeClaims: [''] }],
  ])('for an issuer whose %s cannot be', (path, change) => {
    expect(problemsOf(issuerWith(change)).map(([at]) => at)).toEqual([`issuers.0.${path}`]);
  });

  test.each<[string, GatewayInput['cors'] & object, string]>([
    ['no origin', { origins: [] }, 'origins'],
    ['everyone, with credentials', { origins: ['*'], credentials: true }, 'origins'],
    ['the opaque origin, with credentials', { origins: ['null'], credentials: true }, 'origins'],
    ['everyone and someone', { origins: ['*', 'https://app.example.com'] }, 'origins'],
    ['an origin with a path', { origins: ['https://app.example.com/'] }, 'origins.0'],
    ['an origin without a scheme', { origins: ['app.example.com'] }, 'origins.0'],
    ['an origin with a wildcard', { origins: ['https://*.example.com'] }, 'origins.0'],
    ['a header that is two', { origins: ['null'], headers: ['A, B'] }, 'headers.0'],
    ['every header', { origins: ['null'], headers: ['*'] }, 'headers.0'],
    ['a method that is none', { origins: ['null'], methods: ['GET\r\nX: y'] }, 'methods.0'],
    ['no time', { origins: ['null'], maxAge: -1 }, 'maxAge'],
  ])('whose CORS policy has %s', (_, cors, path) => {
    expect(problemsOf({ cors })[0]?.[0]).toBe(`cors.${path}`);
    expect(problemsOf(routeWith({ cors }))[0]?.[0]).toBe(`routes.0.cors.${path}`);
  });
});

describe('A route is refused', () => {
  test.each(['', 'api', '/api/', '//api', '/api?x', '/a%20b', '/a/../b', '/a b', '/.', '/a.', '/a./b'])(
    'at %j',
    (prefix) => {
      expect(problemsOf(routeWith({ prefix }))[0]).toEqual([
        'routes.0.prefix',
        expect.stringMatching(/^expected/),
        prefix,
      ]);
    },
  );

  test.each(['', '*', '*.', 'a b', 'api.example.com:443', 'http://api.example.com', 'a.*.com', 'äpi.com', '.com'])(
    'at the host %j',
    (host) => {
      const expected = 'expected a host name without a port, or *. and a host name';
      expect(problemsOf(routeWith({ host }))).toEqual([['routes.0.host', expected, host]]);
    },
  );

  test.each(['', 'localhost:4200', 'ftp://a', 'http://a/b', 'http://a?b', 'http://a#b', 'http://user:password@a'])(
    'with the upstream %j',
    (origin) => {
      expect(problemsOf(routeWith({ upstream: origin }))[0]).toEqual([
        'routes.0.upstream',
        expect.stringMatching(/^expected scheme and authority only/),
        origin,
      ]);
    },
  );

  test.each<[object, string, object]>(
    [
      ['/', { stripPrefix: true }],
      ['/a', { prefix: '/a' }],
      ['/a', { prefix: '/' }],
      ['/a', { prefix: 'b' }],
      ['/a', { prefix: '//b' }],
      ['/a', { prefix: '/b/' }],
      ['/a', { prefix: '/..' }],
      ['/a', { prefix: '/b?c' }],
    ].map(([prefix, rewrite]) => [rewrite as object, prefix as string, { prefix, rewrite }]),
  )('that rewrites to %j at %s', (_rewrite, _prefix, change) => {
    expect(problemsOf(routeWith(change))[0]?.[0]).toMatch(/^routes\.0\.rewrite(?:\.prefix)?$/);
  });

  test.each<[string, object, string, string | RegExp]>([
    ['with a style that is none', foreign({ accessTokens: 'magic' }), 'accessTokens', /"phantom"/],
    [
      'without an API',
      routeWith({ api: undefined }),
      'api',
      'expected the resource of an API, or `public: true` beside it',
    ],
    ['with an API that is no URI', routeWith({ api: 'orders' }), 'api', /RFC 8707/],
    ['with an API that has a fragment', routeWith({ api: 'https://a/#x' }), 'api', /RFC 8707/],
    [
      'with an API that is not known',
      routeWith({ api: 'https://a' }),
      'api',
      'expected the resource of one of the apis',
    ],
    [
      'with a style of its own',
      routeWith({ accessTokens: 'jwt' }),
      'accessTokens',
      "expected this in the API's entry in `apis`",
    ],
    ['for no audience', routeWith({ audience: [] }), 'audience', /Too small/],
    ['for an empty audience', routeWith({ audience: '' }), 'audience', /Too small/],
    ['for scopes of which none is needed', routeWith({ scopes: { GET: {} } }), 'scopes.GET', /RFC 6749 section 3.3/],
    ['of an unknown issuer', foreign({}), 'issuer', 'expected one of the gateway.issuers'],
    [
      'of an issuer that cannot be asked',
      { ...issuerWith({}), ...foreign({}) },
      'issuer',
      'expected an issuer with an introspectionEndpoint and a client',
    ],
    [
      'with a subprotocol without a dot',
      routeWith({ tokenSubprotocol: 'access_token' }),
      'tokenSubprotocol',
      /^expected a prefix/,
    ],
    [
      'with a subprotocol beside a cookie',
      routeWith({ tokenSubprotocol: 'access_token.', tokenCookie: { name: '__Host-c' } }),
      'tokenSubprotocol',
      'expected nothing beside tokenCookie',
    ],
    [
      'with proofs about what a phantom API never sees',
      routeWith({ dpop: { forward: true } }),
      'dpop.forward',
      /^expected false/,
    ],
    [
      'with proofs for a token in a cookie',
      routeWith({ dpop: { required: true }, tokenCookie: { name: '__Host-c' } }),
      'dpop.required',
      /^expected false/,
    ],
    ['with no time for its upstream', routeWith({ timeouts: { upstream: 0 } }), 'timeouts.upstream', /Too small/],
    ['without any upstream', routeWith({ upstream: undefined }), 'upstream', 'expected an origin'],
    [
      'with one upstream twice',
      routeWith({ upstream: undefined, upstreams: ['http://a', 'http://a'] }),
      'upstreams',
      'expected origins that differ',
    ],
    [
      'with upstreams on http and https',
      routeWith({ upstream: undefined, upstreams: ['http://a', 'https://b'] }),
      'upstreams',
      'expected the same scheme in all of them',
    ],
    [
      'with TLS for an upstream on http',
      routeWith({ upstreamTls: { servername: 'a' } }),
      'upstreamTls',
      'expected this only for upstreams on https',
    ],
    [
      'with a certificate without its key',
      routeWith({ upstream: 'https://a', upstreamTls: { certificate: 'x' } }),
      'upstreamTls',
      'expected certificate and key together',
    ],
    [
      'with a cookie domain that is none',
      routeWith({ rewriteResponse: { cookieDomain: 'a b' } }),
      'rewriteResponse.cookieDomain',
      /^expected a host name/,
    ],
  ])('%s', (_, change, path, expected) => {
    const [problem] = problemsOf(change);
    expect(problem?.slice(0, 2)).toEqual([
      `routes.0.${path}`,
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    ]);
  });

  test.each([
    'api',
    'audience',
    'issuer',
    'accessTokens',
    'scopes',
    'onMiss',
    'dpop',
    'tokenCookie',
    'tokenSubprotocol',
    'accessTokenInQuery',
  ])('that is public and has %s', (name) => {
    const values: Record<string, unknown> = {
      ...{ api: api('jwt'), audience: 'a', issuer: partner, accessTokens: 'jwt', scopes: {}, onMiss: 'refuse' },
      ...{ dpop: {}, tokenCookie: { name: '__Host-c' }, tokenSubprotocol: 'a.', accessTokenInQuery: 'refuse' },
    };
    const problems = problemsOf({ routes: [{ prefix: '/', public: true, upstream, [name]: values[name] }] });
    expect(problems.map(([path, expected]) => [path, expected])).toEqual([
      [`routes.0.${name}`, 'expected nothing: the route is public'],
    ]);
  });

  test('at the place of another, if only the case differs', () => {
    const at = (place: object) => ({ ...route('phantom', upstream), ...place });
    const expected = 'expected another prefix: a route for the same host already has it (case is ignored)';
    expect(problemsOf({ routes: [at({ prefix: '/a' }), at({ prefix: '/A' })] })).toEqual([
      ['routes.1.prefix', expected, '/A'],
    ]);
    const hosts = ['a.example.com', 'b.example.com', 'A.example.com'];
    expect(problemsOf({ routes: hosts.map((host) => at({ prefix: '/a', host })) })).toEqual([
      ['routes.2.prefix', expected, '/a'],
    ]);
  });

  test('whose metadata would be at the place of that of another API', () => {
    const apis = ['https://a.example.com/x', 'https://b.example.com/x'];
    const problems = problemsOf({
      apis: apis.map((resource) => ({ resource, accessTokens: 'phantom' })),
      routes: apis.map((resource, index) => ({ ...route('phantom', upstream), prefix: `/${index}`, api: resource })),
    });
    expect(problems.map(([path]) => path)).toEqual(['routes.0.host', 'routes.1.host']);
  });
});

import { expect, test } from '@jest/globals';
import { checkConfig, loadConfig } from './load_config.ts';
import { findWarnings } from './warnings.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;

test('finds no warnings in the demo configuration', async () => {
  expect(findWarnings(await loadConfig(DEMO))).toEqual([]);
});

test.each<[string, object, [path: string, message: string][]]>([
  [
    'a loopback issuer whose port differs from that of the server',
    { issuer: 'http://localhost:5000' },
    [['issuer', 'port 5000, but authorizationServer.port is 4000']],
  ],
  [
    'a loopback issuer without a port',
    { issuer: 'http://127.0.0.1' },
    [['issuer', 'port 80, but authorizationServer.port']],
  ],
  ['no warning for an issuer on another host, which may be a proxy', { issuer: 'http://login.example.com' }, []],
  ['no warning if the system chooses the port', { authorizationServer: { port: 0 } }, []],
  [
    'an https issuer without TLS',
    { issuer: 'https://login.example.com' },
    [['issuer', 'https, but without `tls` the server listens on plain HTTP']],
  ],
  ['no warning for an https issuer with TLS', { issuer: 'https://localhost:4000', tls: { selfMade: true } }, []],
])('warns about the issuer: %s', async (_what, change, expected) => {
  const config = checkConfig({ ...(await loadConfig(DEMO)), ...change });
  expect(findWarnings(config)).toEqual(
    expected.map(([path, message]) => ({ path, message: expect.stringContaining(message) })),
  );
});

test('warns about a scope that the API lacks', async () => {
  const demo = await loadConfig(DEMO);
  const api = 'https://api.example.com/jwt';
  const clients = demo.clients.map((client) =>
    client.id === 'demo-backend'
      ? { ...client, tokenExchange: { to: [api], scopes: ['read', 'more'] } }
      : {
          ...client,
          ...(client.id === 'demo-web' && { redirectUris: ['http://localhost:4100/oauth-agent/callback'] }),
        },
  );
  const routes = [
    { prefix: '/a', api, scopes: { GET: ['read', 'reed'], POST: { allOf: ['write'], anyOf: ['write', 'admin'] } } },
  ];
  const tokenHandler = {
    client: { id: 'demo-web' },
    api,
    scopes: ['offline_access', 'read', 'wirte'],
    application: 'http://localhost:4300/',
  };
  const gateway = { ...demo.gateway, routes, tokenHandlers: [tokenHandler] };
  const missing = (scope: string) => `the API ${api} has no scope "${scope}", so no access token can have it`;
  expect(findWarnings(checkConfig({ ...demo, clients, gateway }))).toEqual([
    { path: 'clients[2].tokenExchange.scopes[1]', message: 'no API in `to` has the scope "more"' },
    { path: 'gateway.routes[0].scopes.GET[1]', message: missing('reed') },
    { path: 'gateway.routes[0].scopes.POST.anyOf[1]', message: missing('admin') },
    { path: 'gateway.tokenHandlers[0].scopes[2]', message: missing('wirte') },
  ]);
});

test.each<[prefix: string, operations: object | undefined, paths: string | undefined]>([
  ['/healthz', undefined, '/healthz'],
  ['/metrics', undefined, '/metrics'],
  ['/', undefined, '/healthz, /readyz, /metrics'],
  ['/health', undefined, undefined],
  ['/healthz', { port: 9464 }, undefined],
])('warns about a route at %s with operations %j: %s', async (prefix, operations, paths) => {
  const demo = await loadConfig(DEMO);
  const routes = [{ prefix, api: 'https://api.example.com/jwt' }];
  const config = checkConfig({ ...demo, gateway: { ...demo.gateway, routes, operations } });
  const message = `the gateway itself answers ${paths}; set gateway.operations.port to leave the path to this route`;
  expect(findWarnings(config)).toEqual(paths === undefined ? [] : [{ path: 'gateway.routes[0].prefix', message }]);
});

test.each<[string, object, string[]]>([
  ['permissiveUser', { permissiveUser: 'ann' }, ['permissiveUser']],
  ['permissiveAccessTokens', { permissiveAccessTokens: 'split' }, ['permissiveAccessTokens']],
  ['permissiveTenants', { permissiveTenants: 3 }, ['permissiveTenants']],
  ['permissiveOnNetwork', { permissiveOnNetwork: true }, ['permissiveOnNetwork']],
  [
    'no setting of a permissive issuer',
    { permissive: true, permissiveUser: 'ann', permissiveTenants: 3, permissiveOnNetwork: true },
    [],
  ],
  [
    'no setting that a permissive tenant needs',
    { permissiveOnNetwork: true, tenants: [{ id: 'a', apis: [], permissive: true, permissiveUser: 'ann' }] },
    [],
  ],
])('warns about a setting for permissive issuers that has no effect: %s', async (_what, change, paths) => {
  const config = checkConfig({ ...(await loadConfig(DEMO)), ...change });
  expect(findWarnings(config).map(({ path }) => path)).toEqual(paths);
});

test('warns about a scope of a token exchange in a tenant', async () => {
  const api = { resource: 'https://a.example.com/', scopes: ['read'] };
  const tokenExchange = { to: [api.resource], scopes: ['reed'] };
  const client = { id: 'x', secret: 'y', grants: ['token_exchange'], tokenExchange };
  const config = checkConfig({
    ...(await loadConfig(DEMO)),
    tenants: [{ id: 'a', apis: [api], clients: [client], users: [] }],
  });
  expect(findWarnings(config)).toEqual([
    { path: 'tenants[0].clients[0].tokenExchange.scopes[0]', message: 'no API in `to` has the scope "reed"' },
  ]);
});

import { describe, expect, test } from '@jest/globals';
import { schemaFor } from './config_schema.ts';
import { checkConfig } from './load_config.ts';
import type { Role } from './role.ts';
import type { Config, ConfigInput } from './schema.ts';
import { findWarnings } from './warnings.ts';

const SECRET = 'a-secret-of-at-least-32-characters';

function load(config: ConfigInput, role?: Role): Config {
  return schemaFor(role).parse(config);
}

const ids = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id);

describe('an API that is only the origin of a server', () => {
  const { apis, gateway } = load({ apis: ['http://localhost:3000'] });

  test('has this resource indicator and this upstream', () => {
    expect(apis).toMatchObject([
      { resource: 'http://localhost:3000', upstream: 'http://localhost:3000', accessTokens: 'phantom', scopes: [] },
    ]);
  });

  test('is served at every path', () => {
    expect(gateway.routes).toEqual([{ prefix: '/', api: 'http://localhost:3000', preserveHost: false }]);
  });
});

describe('without routes', () => {
  const [orders, bills] = ['https://api.example.com/orders', 'https://api.example.com/bills'];
  const prefixes = (...resources: string[]) =>
    load({ apis: resources.map((resource) => ({ resource, accessTokens: 'jwt' })) }).gateway.routes.map(
      ({ prefix, api }) => [prefix, api],
    );

  test('the only API is served at every path, and every method needs one of its scopes', () => {
    const { gateway } = load({ apis: [{ resource: String(orders), scopes: ['read', 'write'] }] });
    expect(gateway.routes).toMatchObject([{ prefix: '/', api: orders, scopes: { '*': { anyOf: ['read', 'write'] } } }]);
  });

  test('each of several APIs is served at the path of its resource indicator', () => {
    expect(prefixes(String(orders), String(bills))).toEqual([
      ['/orders', orders],
      ['/bills', bills],
    ]);
  });

  test.each([
    ['no path', 'https://b.example'],
    ['a path that another API has, except for the case', 'https://b.example/ORDERS', orders],
    ['a path that is not a prefix', 'https://b.example/a%20b'],
    ['a path that ends in a slash', 'https://b.example/a/'],
    ['a name that is not a URL of a server', 'urn:example:b'],
  ])('an API with %s is not served, and a warning says so', (_what, resource, ...more) => {
    const apis = [String(bills), resource, ...more.map(String)].map((name) => ({
      resource: name,
      accessTokens: 'jwt',
    }));
    const config = load({ apis } as ConfigInput);
    expect(config.gateway.routes.map(({ prefix }) => prefix)).toEqual(['/bills']);
    expect(findWarnings(config)).toContainEqual({
      path: 'apis[1]',
      message: `no route leads to ${resource}, so the gateway does not serve it; add one to gateway.routes`,
    });
  });

  test('routes that are configured are the only ones', () => {
    const routes = [{ prefix: '/b', api: String(bills) }];
    const config = load({ apis: [{ resource: String(orders) }, { resource: String(bills) }], gateway: { routes } });
    expect(config.gateway.routes).toMatchObject(routes);
  });
});

describe('without clients and users', () => {
  test('there are alice, bob, a public client and a client with a secret', () => {
    const { clients, users } = load({});
    expect(ids(users)).toEqual(['alice', 'bob']);
    expect(clients).toMatchObject([
      {
        id: 'demo-web',
        applicationType: 'native',
        redirectUris: expect.arrayContaining(['http://localhost/callback']),
      },
      { id: 'demo-service', secret: 'demo-service-secret', grants: ['client_credentials'] },
      { id: 'tallystick-gateway', introspects: true },
      { id: 'tallystick-sample-api', introspects: true },
    ]);
  });

  test.each(['0.0.0.0', '::', '192.0.2.1', 'host.example'])(
    'there is no client whose secret everyone knows if the servers listen on %s',
    (host) => {
      expect(ids(load({ host }).clients)).toEqual(['demo-web', 'tallystick-gateway', 'tallystick-sample-api']);
    },
  );

  test.each(['localhost', '127.0.0.1', '::1', 'LOCALHOST'])('%s is an address of this machine only', (host) => {
    expect(ids(load({ host }).clients)).toContain('demo-service');
  });

  test('a default has no name that a configured entry has', () => {
    expect(ids(load({ users: [{ id: 'demo-web' }] }).clients)).not.toContain('demo-web');
    expect(ids(load({ clients: [{ id: 'alice' }] }).users)).toEqual(['bob']);
  });

  test('an empty list stays empty', () => {
    const { clients, users } = load({ clients: [], users: [] }, 'authorization-server');
    expect([clients, users]).toEqual([[], []]);
  });

  test.each(['gateway', 'sample-api'] as const)('the role %s needs none', (role) => {
    const { clients, users } = load({}, role);
    expect([clients, users]).toEqual([[], []]);
  });
});

describe('the client with which a role introspects', () => {
  const apis = [{ resource: 'https://api.example.com/orders' }];

  test('is the same in every process with the same secret', () => {
    const server = load({ apis, secret: SECRET }, 'authorization-server');
    const gateway = load({ apis, secret: SECRET }, 'gateway').gateway.client;
    const sampleApi = load({ apis, secret: SECRET }, 'sample-api').sampleApi.client;
    expect(server.clients).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...gateway, introspects: true }),
        expect.objectContaining({ ...sampleApi, introspects: true }),
      ]),
    );
    expect(gateway?.secret).not.toBe(sampleApi?.secret);
    expect(load({ apis, secret: `${SECRET}2` }, 'gateway').gateway.client).not.toEqual(gateway);
  });

  test('has another secret than the one that it is derived from', () => {
    const { gateway } = load({ apis, secret: SECRET }, 'gateway');
    expect(gateway.client?.secret).toMatch(/^[\w-]{43}$/);
  });

  test('stays the same when one process loads its configuration again', () => {
    expect(load({ apis }).clients).toEqual(load({ apis }).clients);
  });

  test('is the configured one if there is one', () => {
    const client = { id: 'edge', secret: 'edge-secret' };
    const config = load({ apis, gateway: { client }, clients: [{ ...client, introspects: true }] });
    expect(config.gateway.client).toEqual(client);
    expect(ids(config.clients)).toEqual(['edge', 'tallystick-sample-api']);
  });
});

test.each([
  ['nothing', {}],
  ['an origin', { apis: ['http://localhost:3000'] }],
  ['a shared secret', { secret: SECRET, apis: [{ resource: 'https://a.example', accessTokens: 'split' as const }] }],
])('a complete configuration stays the same: %s', (_what, config) => {
  const complete = checkConfig(config);
  expect(checkConfig(complete)).toEqual(complete);
});

test('an upstream that is the gateway itself is refused', () => {
  expect(() => checkConfig({ apis: ['http://localhost:4100'] })).toThrow(
    'apis[0].upstream: expected another server: this is the gateway itself; found "http://localhost:4100"',
  );
});

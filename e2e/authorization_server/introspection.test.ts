import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { createCa } from '@tallystick/testing/certificates';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken, shown } from '../support/clients/clients.ts';
import { inspected } from '../support/clients/inspected.ts';
import { startOtherAuthorizationServer } from '../support/peers/other_authorization_server.ts';
import { startVerifyingApi } from '../support/peers/verifying_api.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

async function start(...change: Parameters<typeof startOneProcess>): Promise<OneProcess> {
  const world = await startOneProcess(...change);
  onTestFinished(world.stop);
  return world;
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'tallystick-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

const getClaims = async (url: string, token: string) => {
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  return { status: answer.status, claims: (await answer.json()) as Record<string, unknown> };
};

test(requirement('introspection-client', 'private_key_jwt'), async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const keyFile = join(await folder(), 'gateway-key.pem');
  await writeFile(keyFile, await exportPKCS8(privateKey));
  const metadata = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), use: 'sig', alg: 'ES256' }] },
  };
  const world = await start((config) => ({
    ...config,
    gateway: { ...config.gateway, client: { id: 'gateway', privateKey: keyFile } },
    clients: config.clients.map((client) =>
      client.id === 'gateway' ? { id: 'gateway', introspects: true, metadata } : client,
    ),
  }));
  await shown(world.gateways[0], 'phantom', await serviceToken(world, 'phantom'));
  // Each assertion works once, so a second introspection proves that the gateway made a new one.
  await shown(world.gateways[0], 'phantom', await serviceToken(world, 'phantom'));
  expect(await world.tallystick.requests.list({ endpoint: 'introspection' })).toMatchObject([
    { clientId: 'gateway', status: 200 },
    { clientId: 'gateway', status: 200 },
  ]);
});

test(requirement('introspection-client', 'certificate'), async () => {
  const ca = await createCa('Example CA');
  const { cert, key } = await ca.certify({ subject: 'CN=gateway' });
  const directory = await folder();
  const metadata = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=gateway' };
  const world = await start((config) => ({
    ...config,
    issuer: 'https://localhost:4000',
    tls: { selfMade: true, directory, clientCa: ca.cert },
    features: { ...config.features, mutualTls: true },
    gateway: { ...config.gateway, client: { id: 'gateway', certificate: cert, key } },
    clients: config.clients.map((client) =>
      client.id === 'gateway' ? { id: 'gateway', introspects: true, metadata } : client,
    ),
  }));
  const api = resourceOf('phantom');
  const { accessToken } = await world.tallystick.token({ client: 'demo-service', api, scopes: ['read'] });
  world.log.secret(accessToken);
  const { Agent, fetch } = await import('undici');
  const dispatcher = new Agent({ connect: { ca: String(world.tallystick.ca) } });
  onTestFinished(() => dispatcher.close());
  const headers = { Authorization: `Bearer ${accessToken}` };
  const answer = await fetch(`${world.gateways[0]}/phantom/hello`, { headers, dispatcher });
  expect(answer.status).toBe(200);
  expect(world.tallystick.requests.list({ endpoint: 'introspection' })).toMatchObject([
    { clientId: 'gateway', status: 200 },
  ]);
});

test(requirement('signed-introspection'), async () => {
  const api = await startVerifyingApi();
  onTestFinished(api.stop);
  const world = await start((config) => ({
    ...config,
    gateway: {
      ...config.gateway,
      publicUrl: 'https://gateway.example.com',
      introspection: { accept: 'application/token-introspection+jwt' },
      routes: [{ prefix: '/phantom', api: resourceOf('phantom'), upstream: api.url, scopes: { '*': ['read'] } }],
    },
  }));
  const jwksUri = `${world.gateways[0]}/.well-known/jwks.json`;
  api.trust = { issuer: 'https://gateway.example.com', jwksUri, audience: resourceOf('phantom') };

  const token = await serviceToken(world, 'phantom');
  const { status, claims } = await getClaims(`${world.gateways[0]}/phantom/hello`, token);
  expect(status).toBe(200);
  expect(claims).toMatchObject({ sub: 'demo-service', client_id: 'demo-service', scope: 'read' });
  expect(JSON.stringify(claims)).not.toContain(token);
  expect((await call(world.gateways[0], 'phantom', 'x'.repeat(43))).status).toBe(401);

  const signed = await fetch(`${world.issuer}/token/introspection`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa('gateway:gateway-secret')}`,
      Accept: 'application/token-introspection+jwt',
    },
    body: new URLSearchParams({ token }),
  });
  expect((await call(world.gateways[0], 'phantom', await signed.text())).status).toBe(401);
});

test(requirement('foreign-jwts'), async () => {
  for (const level of ['info', 'warn'] as const) jest.spyOn(console, level).mockReturnValue();
  onTestFinished(async () => jest.restoreAllMocks());
  const [api, other] = await Promise.all([startVerifyingApi(), startOtherAuthorizationServer({ jwts: true })]);
  onTestFinished(api.stop);
  onTestFinished(other.stop);
  const jwksUri = `${other.issuer}/jwks`;
  const settings = {
    issuer: other.issuer,
    jwksUri,
    jwts: { algorithms: ['RS512'], insecureTypes: ['JWT'] },
    scopeClaims: ['scp'],
  };
  api.trust = { issuer: other.issuer, jwksUri, audience: 'account', typ: 'JWT' };
  const upstream = api.url;
  const route = {
    issuer: other.issuer,
    api: 'https://api.example.com/elsewhere',
    accessTokens: 'jwt' as const,
    upstream,
  };
  const startWith = (issuer: object) =>
    start((config) => ({
      ...config,
      gateway: {
        ...config.gateway,
        issuers: [{ issuer: other.issuer, jwksUri, ...issuer }],
        routes: [
          { ...route, prefix: '/account', audience: 'account', scopes: { '*': ['read'] } },
          { ...route, prefix: '/else', audience: ['elsewhere', 'other'], scopes: { '*': ['read'] } },
        ],
      },
    }));
  const token = await other.issue('https://api.example.com/elsewhere');
  const status = async (world: OneProcess, path: string) =>
    (await fetch(`${world.gateways[0]}${path}`, { headers: { Authorization: `Bearer ${token}` } })).status;

  const configured = await startWith(settings);
  configured.log.secret(token);
  expect(await status(configured, '/account')).toBe(200);
  expect(await status(configured, '/else')).toBe(401);
  expect(await status(await startWith({}), '/account')).toBe(401);
});

test(requirement('any-introspection-server'), async () => {
  // oidc-provider prints long warnings about its development defaults.
  for (const level of ['info', 'warn'] as const) jest.spyOn(console, level).mockReturnValue();
  onTestFinished(async () => jest.restoreAllMocks());
  const [api, other] = await Promise.all([startVerifyingApi(), startOtherAuthorizationServer()]);
  onTestFinished(api.stop);
  onTestFinished(other.stop);
  const resource = 'https://api.example.com/elsewhere';
  const world = await start((config) => ({
    ...config,
    gateway: {
      ...config.gateway,
      ownJwts: { issuer: 'https://gateway.example.com' },
      issuers: [
        {
          issuer: other.issuer,
          jwksUri: `${other.issuer}/jwks`,
          introspectionEndpoint: `${other.issuer}/token/introspection`,
          client: { id: 'gateway', secret: 'gateway-secret' },
          introspection: { accept: 'application/json', maxAge: 30 },
        },
      ],
      routes: [
        ...config.gateway.routes,
        {
          prefix: '/elsewhere',
          issuer: other.issuer,
          api: resource,
          accessTokens: 'phantom',
          upstream: api.url,
          scopes: { '*': ['read'] },
        },
      ],
    },
  }));
  const [gateway] = world.gateways;
  const jwksUri = `${gateway}/.well-known/jwks.json`;
  api.trust = { issuer: 'https://gateway.example.com', jwksUri, audience: resource };

  const token = await other.issue(resource);
  world.log.secret(token);
  for (let round = 0; round < 2; round += 1) {
    const { status, claims } = await getClaims(`${gateway}/elsewhere`, token);
    expect(status).toBe(200);
    expect(claims).toMatchObject({ sub: 'service', client_id: 'service', scope: 'read', aud: [resource] });
    expect(JSON.stringify(claims)).not.toContain(token);
  }
  expect(other.introspections()).toBe(1);

  const elsewhere = await other.issue('https://api.example.com/other');
  world.log.secret(elsewhere);
  for (const refused of ['x'.repeat(43), elsewhere]) {
    expect((await fetch(`${gateway}/elsewhere`, { headers: { Authorization: `Bearer ${refused}` } })).status).toBe(401);
  }
  // Each API accepts the tokens of its own authorization server only.
  const own = await serviceToken(world, 'phantom');
  expect((await fetch(`${gateway}/elsewhere`, { headers: { Authorization: `Bearer ${own}` } })).status).toBe(401);
  expect((await call(gateway, 'phantom', token)).status).toBe(401);
});

test(requirement('introspection-for-an-api'), async () => {
  const world = await start((config) => ({
    ...config,
    clients: [
      ...config.clients,
      { id: 'orders', secret: 'orders-secret', introspects: [resourceOf('jwt'), resourceOf('split')] },
    ],
  }));
  for (const style of STYLES) {
    const expected = style === 'jwt' || style === 'split' ? 'active' : 'inactive';
    const token = await serviceToken(world, style);
    expect([style, await inspected(world, token, 'orders:orders-secret')]).toEqual([style, Array(3).fill(expected)]);
    expect(await inspected(world, token)).toEqual(['active', 'active', 'active']);
  }
});

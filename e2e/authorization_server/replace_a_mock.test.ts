import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { onTestFinished, startForTest } from '@tallystick/testing/on_test_finished';
import { createBrowser, follow, followToCallback, open, submit } from '@tallystick/testing/sign_in';
import { until } from '@tallystick/testing/until';
import { decodeJwt } from 'jose';
import { loadConfig } from 'tallystick';
import { parse, stringify } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { call } from '../support/clients/clients.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { startRole } from '../support/worlds/role_process.ts';
import { runCommand } from '../support/worlds/run_command.ts';
import { DEMO_CONFIG, resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

let world: OneProcess;
beforeAll(async () => {
  world = await startOneProcess((config) => ({
    ...config,
    permissive: true,
    permissiveUser: 'johndoe',
    permissiveTenants: 3,
    users: [{ id: 'johndoe', claims: { role: 'admin' } }],
  }));
});
afterAll(() => world.stop());

interface Answer {
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

async function post(url: string, body: Record<string, string>, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(body), headers });
  const text = await answer.text();
  const parsed = (text.startsWith('{') ? JSON.parse(text) : {}) as Answer;
  world.log.secret(parsed.access_token, parsed.refresh_token, parsed.id_token);
  return { ...parsed, status: answer.status };
}

const REDIRECT_URI = 'https://app.example.com/callback';
const authorizationQuery = (parameters: Record<string, string> = {}) =>
  new URLSearchParams({
    ...{ client_id: 'any-app', response_type: 'code', scope: 'openid', redirect_uri: REDIRECT_URI },
    ...parameters,
  });

/** Signs in at an issuer. @returns the claims of the ID token */
async function signIn(issuer: string, authorizationPath: string, parameters: Record<string, string> = {}) {
  const at = { ...world, issuer };
  const browser = createBrowser(at);
  const url = `${issuer}${authorizationPath}?${authorizationQuery(parameters)}`;
  const callback = await followToCallback(at, browser, await open(browser, url), { user: 'typed-in' });
  const code = String(callback.searchParams.get('code'));
  world.log.secret(code);
  const tokens = await post(`${issuer}/token`, {
    ...{ grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, client_id: 'any-app' },
  });
  expect(tokens.status).toBe(200);
  return { claims: decodeJwt(String(tokens.id_token)), tokens };
}

const own = { grant_type: 'client_credentials', client_id: 'any-app' };

describe('signs in without a page', () => {
  test.each([
    ['the configured user', {}, 'johndoe'],
    ['the user in login_hint', { login_hint: 'Jane.Doe@example.com' }, 'Jane.Doe@example.com'],
    ['the user that types a name, with prompt=login', { prompt: 'login' }, 'typed-in'],
    ['the user that types a name, where login_hint cannot be one', { login_hint: 'Jane Doe' }, 'typed-in'],
    ['the user that types a name, where login_hint is a client', { login_hint: 'demo-service' }, 'typed-in'],
  ])(requirement('permissive-issuer', '%s'), async (_which, parameters, sub) => {
    expect((await signIn(world.issuer, '/auth', parameters)).claims.sub).toBe(sub);
  });

  test(requirement('permissive-issuer', 'the page comes where no user is configured'), async () => {
    const other = await startForTest(startOneProcess((config) => ({ ...config, permissive: true })));
    const browser = createBrowser(other);
    const hinted = `${other.issuer}/auth?${authorizationQuery({ login_hint: 'jane' })}`;
    const { headers } = await open(browser, hinted);
    const page = await open(browser, new URL(String(headers.location), other.issuer));
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('This issuer is permissive')]);
  });

  test(requirement('permissive-issuer', 'a configured client keeps its page'), async () => {
    const query = authorizationQuery({
      ...{ client_id: 'demo-web', redirect_uri: 'http://127.0.0.1:1/callback' },
      ...{ code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' },
    });
    const browser = createBrowser(world);
    const { headers } = await open(browser, `${world.issuer}/auth?${query}`);
    expect((await open(browser, new URL(String(headers.location), world.issuer))).status).toBe(200);
  });
});

test(
  requirement('permissive-issuer', 'a token request in JSON is recorded like a form, and has the faults of its client'),
  async () => {
    const { requests, faults } = world.tallystick;
    const send = () => {
      const body = JSON.stringify({ grant_type: 'client_credentials', client_id: 'json-app', client_secret: 'hush' });
      return fetch(`${world.issuer}/token`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    };
    world.log.secret(((await (await send()).json()) as Answer).access_token);
    const recorded = requests.list({ endpoint: 'token', where: ({ clientId }) => clientId === 'json-app' });
    const form = { grant_type: 'client_credentials', client_id: 'json-app', client_secret: '[redacted]' };
    expect(recorded).toMatchObject([{ status: 200, form }]);
    onTestFinished(() => faults.clear());
    faults.add({ endpoint: 'token', clientId: 'json-app', status: 503 });
    expect((await send()).status).toBe(503);
  },
);

describe.each(STYLES)('the style %s', (style) => {
  test(requirement('permissive-issuer', `an unknown client calls an API in the style ${style}`), async () => {
    const { access_token: token } = await post(`${world.issuer}/token`, {
      ...own,
      resource: resourceOf(style),
      scope: 'read',
    });
    expect((await call(world.gateways[0], style, String(token))).status).toBe(200);
  });

  test(
    requirement('permissive-issuer', `any audience in the style ${style}, through a gateway that knows it`),
    async () => {
      const { issuer, gateway } = await startWithOrders(style);
      const callWith = async (audience: string) => {
        const { access_token: token } = await post(`${issuer}/token`, { ...own, audience, scope: 'read' });
        return fetch(`${gateway}/orders/hello`, { headers: { Authorization: `Bearer ${token}` } });
      };
      const answer = await callWith('orders');
      expect(answer.status).toBe(200);
      const { claims } = (await answer.json()) as { claims: object };
      expect(claims).toMatchObject({ aud: 'orders', client_id: 'any-app' });
      expect((await callWith('payments')).status).toBe(401);
    },
  );
});

/** A permissive authorization server, and a gateway and an API for the audience `orders`, which only these two know. */
async function startWithOrders(style: Style) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-orders-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const config = path.join(folder, 'orders.yaml');
  const { clients, ...demo } = parse(await readFile(DEMO_CONFIG, 'utf8'));
  const orders = {
    resource: 'urn:tallystick:audience:orders',
    audience: 'orders',
    accessTokens: style,
    scopes: ['read'],
  };
  const ordersConfig = {
    apis: [orders],
    clients: clients.filter(({ tokenExchange }: { tokenExchange?: object }) => tokenExchange === undefined),
    gateway: { client: demo.gateway.client, routes: [{ prefix: '/orders', api: orders.resource }] },
    sampleApi: demo.sampleApi,
  };
  await writeFile(config, stringify(ordersConfig));

  const port = String(await freePort());
  const issuer = `http://127.0.0.1:${port}`;
  const environment = {
    TALLYSTICK_ISSUER: issuer,
    TALLYSTICK_SECRET: 'a secret that only this test knows',
    TALLYSTICK_STORE_URL: String(process.env.REDIS_URL),
    TALLYSTICK_STORE_PREFIX: `e2e:permissive:${style}:${port}:`,
    TALLYSTICK_AUTHORIZATION_SERVER_PORT: port,
    TALLYSTICK_GATEWAY_PORT: '0',
    TALLYSTICK_SAMPLE_API_PORT: '0',
  };
  const permissive = { TALLYSTICK_PERMISSIVE: 'true', TALLYSTICK_PERMISSIVE_ACCESS_TOKENS: style };
  const start = async (role: 'authorization-server' | 'gateway' | 'sample-api', more: Record<string, string> = {}) => {
    const file = role === 'authorization-server' ? DEMO_CONFIG : config;
    const { url, stop } = await startRole(role, { ...environment, ...more }, world.log.write, file);
    onTestFinished(async () => void (await stop()));
    return url;
  };
  await start('authorization-server', permissive);
  const gateway = await start('gateway', { TALLYSTICK_SAMPLE_API_URL: await start('sample-api') });
  return { issuer, gateway };
}

describe('the paths of mocks', () => {
  test.each([
    [
      'oauth2-mock-server and mock-oauth2-server',
      '/authorize',
      '/userinfo',
      '/introspect',
      '/revoke',
      '/endsession',
      '/jwks',
    ],
    [
      'oidc-server-mock',
      ...[
        '/connect/authorize',
        '/connect/userinfo',
        '/connect/introspect',
        '/connect/revocation',
        '/connect/endsession',
      ],
      '/.well-known/openid-configuration/jwks',
    ],
  ])(requirement('permissive-issuer', '%s'), async (_whose, ...paths) => {
    const [authorize, userinfo, introspect, revoke, endSession, jwks] = paths.map((at) => String(at));
    const { tokens } = await signIn(world.issuer, String(authorize), { scope: 'openid offline_access' });
    const authorization = { Authorization: `Bearer ${tokens.access_token}` };
    const user = await fetch(world.issuer + userinfo, { headers: authorization });
    expect(await user.json()).toMatchObject({ sub: 'johndoe' });
    const token = String(tokens.refresh_token);
    expect(await post(world.issuer + introspect, { token }, authorization)).toMatchObject({ active: true });
    expect((await post(world.issuer + revoke, { token, client_id: 'any-app' })).status).toBe(200);
    expect(await post(world.issuer + introspect, { token }, authorization)).toMatchObject({ active: false });
    expect(await (await fetch(world.issuer + jwks)).json()).toEqual(await (await fetch(`${world.issuer}/jwks`)).json());

    const browser = createBrowser(world);
    const out = `${world.issuer}${endSession}?post_logout_redirect_uri=https://app.example.com/bye&state=7`;
    const page = await open(browser, out);
    const left = await submit(browser, page.text);
    expect(left.headers.location).toBe('https://app.example.com/bye?state=7');
  });

  test.each([
    ['/connect/deviceauthorization', { scope: 'openid' }, 200],
    ['/connect/ciba', { scope: 'openid', login_hint: 'johndoe' }, 200],
    ['/connect/par', { scope: 'openid', response_type: 'code', redirect_uri: REDIRECT_URI }, 201],
  ])(requirement('permissive-issuer', 'POST %s'), async (at, parameters, status) => {
    expect((await post(world.issuer + at, { client_id: 'any-app', ...parameters })).status).toBe(status);
  });

  test(requirement('permissive-issuer', 'POST /revoke of a JWT says that a JWT cannot be revoked'), async () => {
    const { access_token: token } = await post(`${world.issuer}/token`, { ...own, aud: 'any' });
    const answer = await post(`${world.issuer}/revoke`, { token: String(token), client_id: 'any-app' });
    expect(answer).toMatchObject({ status: 400, error: 'unsupported_token_type' });
  });

  test(requirement('permissive-issuer', 'POST /connect/token, and not at a strict issuer'), async () => {
    expect((await post(`${world.issuer}/connect/token`, own)).status).toBe(200);
    const strict = await startForTest(startOneProcess());
    expect((await post(`${strict.issuer}/connect/token`, own)).status).toBe(404);
  });
});

describe('issuers on demand', () => {
  test(requirement('permissive-issuer', 'any first segment of a path is an issuer, up to a limit'), async () => {
    const issuer = `${world.issuer}/aad_b2c`;
    const document = async (url: string) => (await fetch(url)).json() as Promise<{ issuer: string; jwks_uri: string }>;
    const { issuer: named, jwks_uri: jwks } = await document(`${issuer}/.well-known/openid-configuration`);
    expect(named).toBe(issuer);
    expect(await document(`${issuer}/.well-known/oauth-authorization-server`)).toMatchObject({ issuer });
    expect(await document(jwks)).not.toEqual(await document(`${world.issuer}/jwks`));
    const { claims, tokens } = await signIn(issuer, '/authorize');
    expect(claims).toMatchObject({ iss: issuer, sub: 'johndoe' });
    expect((await call(world.gateways[0], 'jwt', String(tokens.access_token))).status).toBe(401);
    const read = await post(`${issuer}/token`, { ...own, resource: resourceOf('split'), scope: 'read' });
    expect((await call(`${world.gateways[0]}/aad_b2c`, 'split', read.access_token)).status).toBe(200);
    expect((await call(world.gateways[0], 'split', read.access_token)).status).toBe(401);
    expect((await fetch(`${world.issuer}/favicon/none`)).status).toBe(404);

    const concurrent = await Promise.all([1, 2, 3].map(() => post(`${world.issuer}/second/token`, own)));
    expect(concurrent.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await post(`${world.issuer}/third/token`, own)).status).toBe(200);
    expect((await post(`${world.issuer}/fourth/token`, own)).status).toBe(404);
    expect(world.tallystick.tenants.list().map(({ id }) => id)).toEqual(['aad_b2c', 'second', 'third']);
    await world.tallystick.tenants.remove('third');
    expect((await post(`${world.issuer}/fourth/token`, own)).status).toBe(200);
  });

  test(requirement('permissive-issuer', 'no issuers on demand beside a strict one'), async () => {
    const strict = await startForTest(startOneProcess());
    expect((await post(`${strict.issuer}/any/token`, own)).status).toBe(404);
  });
});

describe('a reload', () => {
  test(requirement('permissive-issuer', 'Tallystick.replace keeps it permissive and does not change it'), async () => {
    const other = await startForTest(
      startOneProcess((config) => ({ ...config, permissive: true, permissiveUser: 'ann' })),
    );
    const { tallystick } = other;
    const ask = (issuer: string) => post(`${issuer}/token`, { ...own, resource: resourceOf('jwt') });
    expect((await ask(`${other.issuer}/any`)).status).toBe(200);
    const config = { ...(await loadConfig(DEMO_CONFIG)), ...tallystick.config };
    for (const changed of [
      { permissive: false },
      { permissiveUser: 'bea' },
      { permissiveAccessTokens: 'split' as const },
      { permissiveTenants: 0 },
    ])
      await expect(tallystick.replace({ ...config, ...changed })).rejects.toThrow(String(Object.keys(changed)[0]));
    await tallystick.replace({ ...config, users: [{ id: 'ann', claims: { role: 'new' } }] });
    expect((await ask(other.issuer)).status).toBe(200);
    expect((await ask(`${other.issuer}/any`)).status).toBe(200);
    expect(
      tallystick.tenants
        .get('any')
        .users.list()
        .map(({ id }) => id),
    ).toEqual(['ann']);
  });

  test(requirement('permissive-issuer', 'SIGHUP keeps what --permissive said'), async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-permissive-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = path.join(folder, 'tallystick.yaml');
    const text = await readFile(DEMO_CONFIG, 'utf8');
    await writeFile(file, text);
    const issuer = `http://localhost:${await freePort()}`;
    const start = runCommand('node', ['scripts/start.mjs', '--permissive', '--config', file], {
      environment: {
        TALLYSTICK_ISSUER: issuer,
        TALLYSTICK_AUTHORIZATION_SERVER_PORT: new URL(issuer).port,
        TALLYSTICK_GATEWAY_PORT: String(await freePort()),
        TALLYSTICK_SAMPLE_API_PORT: String(await freePort()),
      },
    });
    onTestFinished(async () => {
      start.signal('SIGINT');
      await start.exit;
    });
    await until(() => start.output().includes('Ctrl-C stops it.'));
    const config = parse(text);
    const added = { id: 'added', secret: 'added-secret', grants: ['client_credentials'] };
    await writeFile(file, stringify({ ...config, clients: [...config.clients, added] }));
    start.signal('SIGHUP');
    const asAdded = { ...own, client_id: 'added', client_secret: 'wrong' };
    await until(async () => (await post(`${issuer}/token`, asAdded)).status === 401);
    expect((await post(`${issuer}/token`, own)).status).toBe(200);
  });
});

test(requirement('permissive-issuer', 'a permissive tenant beside a strict first issuer'), async () => {
  const strict = await startForTest(
    startOneProcess((config) => ({
      ...config,
      tenants: [
        {
          id: 'mock',
          apis: config.apis,
          clients: [],
          permissive: true,
          permissiveUser: 'tess',
          permissiveAccessTokens: 'opaque',
        },
      ],
    })),
  );
  const tenant = `${strict.issuer}/mock`;
  expect((await signIn(tenant, '/authorize')).claims).toMatchObject({ iss: tenant, sub: 'tess' });
  const { access_token: token } = await post(`${tenant}/connect/token`, { ...own, audience: 'any' });
  expect(String(token)).not.toContain('.');
  expect(await post(`${tenant}/introspect`, { token: String(token) })).toMatchObject({ active: true, aud: 'any' });
  expect((await post(`${strict.issuer}/token`, own)).status).toBe(401);
  const browser = createBrowser(strict);
  expect(await follow(strict, browser, await open(browser, `${tenant}/permissive`))).toContain('accepts every client');
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { createBrowser, open, submit } from '@tallystick/testing/sign_in';
import { until } from '@tallystick/testing/until';
import { decodeJwt } from 'jose';
import { loadConfig, startTallystick } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { call } from '../support/clients/clients.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { runCommand } from '../support/worlds/run_command.ts';
import { DEMO_CONFIG, resourceOf } from '../support/worlds/world.ts';

let world: OneProcess;
beforeAll(async () => {
  world = await startOneProcess(({ apis, clients, users, ...config }) => ({
    ...{ ...config, apis, clients, users },
    permissive: true,
    tenants: [{ id: 'strict', apis, clients, users }],
  }));
});
afterAll(() => world.stop());

const strictIssuer = () => `${world.issuer}/strict`;

async function post(url: string, body: string | URLSearchParams, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method: 'POST', body, headers });
  const text = await answer.text();
  return { ...(text === '' ? {} : JSON.parse(text)), status: answer.status };
}

const fields = { grant_type: 'client_credentials', scope: 'read any', resource: resourceOf('phantom') };
const form = (given: Record<string, string>) => new URLSearchParams(given);
const REQUESTS: [string, () => [string | URLSearchParams, Record<string, string>]][] = [
  ['without a secret', () => [form({ ...fields, client_id: 'unknown' }), {}]],
  ['with any secret', () => [form(fields), { Authorization: `Basic ${btoa('unknown:secret')}` }]],
  ['in JSON', () => [JSON.stringify({ ...fields, client_id: 'unknown' }), { 'Content-Type': 'application/json' }]],
];

test.each(REQUESTS)(requirement('permissive-issuer', 'a token request %s'), async (_how, request) => {
  const answer = await post(`${world.issuer}/token`, ...request());
  expect(answer).toMatchObject({ status: 200, scope: 'read any' });
  world.log.secret(answer.access_token);
  const refused = await post(`${strictIssuer()}/token`, ...request());
  expect(refused.status).toBeGreaterThanOrEqual(400);
});

test(requirement('permissive-issuer', 'a token passes the gateway until it is revoked'), async () => {
  const { access_token: token } = await post(`${world.issuer}/token`, form({ ...fields, client_id: 'unknown' }));
  world.log.secret(token);
  const [gateway = ''] = world.gateways;
  expect((await call(gateway, 'phantom', token)).status).toBe(200);
  const revocation = form({ token, client_id: 'unknown' });
  expect((await post(`${world.issuer}/token/revocation`, revocation)).status).toBe(200);
  await until(async () => (await call(gateway, 'phantom', token)).status === 401);
});

test(requirement('permissive-issuer', 'a token for another audience is refused by the gateway'), async () => {
  const { resource: _resource, ...others } = fields;
  const request = form({ ...others, client_id: 'unknown', audience: 'another api' });
  const { access_token: token } = await post(`${world.issuer}/token`, request);
  world.log.secret(token);
  expect(decodeJwt(token)).toMatchObject({ aud: 'another api', scope: 'read any' });
  const [gateway = ''] = world.gateways;
  for (const style of ['jwt', 'phantom'] as const) expect((await call(gateway, style, token)).status).toBe(401);
});

test(requirement('permissive-issuer', 'any user at any redirect URI, without PKCE'), async () => {
  const query = form({
    ...{ client_id: 'some-app', response_type: 'code', scope: 'openid any' },
    redirect_uri: 'https://app.example.com/callback',
  });
  const browser = createBrowser(world);
  const { headers } = await open(browser, `${world.issuer}/auth?${query}`);
  const page = await open(browser, new URL(String(headers.location), world.issuer));
  expect(page.text).toContain('This issuer is permissive');
  let answer = await submit(browser, page.text, { user: 'somebody' });
  for (let hop = 0; hop < 5 && !String(answer.headers.location).startsWith('https://app.'); hop += 1)
    answer = await open(browser, new URL(String(answer.headers.location), world.issuer));
  const code = new URL(String(answer.headers.location)).searchParams.get('code') ?? '';
  const redeemed = await post(
    `${world.issuer}/token`,
    form({
      grant_type: 'authorization_code',
      code,
      client_id: 'some-app',
      redirect_uri: String(query.get('redirect_uri')),
    }),
  );
  world.log.secret(redeemed.access_token);
  expect(redeemed).toMatchObject({ status: 200, scope: 'openid any' });
  expect(decodeJwt(redeemed.id_token)).toMatchObject({ sub: 'somebody', aud: 'some-app' });
  expect((await fetch(`${strictIssuer()}/auth?${query}`, { redirect: 'manual' })).status).toBe(400);
});

test(requirement('permissive-issuer', 'said in discovery and in the log'), async () => {
  const metadata = async (issuer: string) => (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const { op_policy_uri: policy } = (await metadata(world.issuer)) as { op_policy_uri: string };
  expect(await (await fetch(policy)).text()).toContain('accepts every client');
  expect(await metadata(strictIssuer())).not.toHaveProperty('op_policy_uri');
});

test.each([
  ['the first issuer', { permissive: true }, 'permissive: expected false'],
  ['a tenant', {}, 'tenants[0].permissive: expected false'],
])(requirement('permissive-issuer', 'refused beyond loopback: %s'), async (_which, first, problem) => {
  const { tenants: _tenants, ...config } = await loadConfig(DEMO_CONFIG);
  const { apis } = config;
  const open = { ...config, host: '0.0.0.0', ...first };
  const tenants = 'permissive' in first ? [] : [{ id: 'mock', apis, clients: [], permissive: true }];
  await expect(startTallystick({ config: { ...open, tenants } })).rejects.toThrow(problem);
});

test(requirement('permissive-issuer', 'a tenant of a run: refused beyond loopback unless it is allowed'), async () => {
  const config = await loadConfig(DEMO_CONFIG);
  const mock = { id: 'mock', apis: config.apis, clients: [], permissive: true };
  for (const permissiveOnNetwork of [false, true]) {
    const tallystick = await startTallystick({ config: { ...config, host: '0.0.0.0', permissiveOnNetwork } });
    try {
      const made = tallystick.tenants.create(mock).then(
        () => 'made',
        (error) => String(error.path),
      );
      expect(await made).toBe(permissiveOnNetwork ? 'made' : 'permissive');
    } finally {
      await tallystick.stop();
    }
  }
});

test(requirement('permissive-issuer', 'said by tallystick start --permissive'), async () => {
  const issuer = `http://localhost:${await freePort()}`;
  const start = runCommand('node', ['scripts/start.mjs', '--permissive'], {
    environment: {
      TALLYSTICK_ISSUER: issuer,
      TALLYSTICK_AUTHORIZATION_SERVER_PORT: new URL(issuer).port,
      TALLYSTICK_GATEWAY_PORT: String(await freePort()),
      TALLYSTICK_SAMPLE_API_PORT: String(await freePort()),
    },
  });
  try {
    await until(() => start.output().includes('Ctrl-C stops it.'));
    expect(start.output()).toContain(`PERMISSIVE: ${issuer} accepts every client`);
    expect(start.output()).toContain('this issuer is permissive');
    expect((await post(`${issuer}/token`, form({ ...fields, client_id: 'unknown' }))).status).toBe(200);
  } finally {
    start.signal('SIGINT');
  }
  expect(await start.exit).toBe(0);
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as oidc from 'openid-client';
import { loadConfig, startTallystick, type Tallystick, type TenantInput } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { serviceToken } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { captureLog } from '../support/worlds/captured_log.ts';
import { DEMO_CONFIG, type World } from '../support/worlds/world.ts';

let tallystick: Tallystick;
let demo: Omit<TenantInput, 'id'>;
beforeAll(async () => {
  const config = await loadConfig(DEMO_CONFIG);
  const { apis, clients, users } = config;
  demo = { apis, clients, users };
  tallystick = await startTallystick({ config: { ...config, tenants: [{ id: 'configured', ...demo }] } });
});
afterAll(() => tallystick.stop());

const signInTarget = (issuer: string): World => ({
  issuer,
  gateways: [tallystick.gatewayUrl],
  sampleApi: tallystick.sampleApiUrl,
  log: captureLog(),
  stop: async () => {},
});

const isActive = async (issuer: string, token: string): Promise<boolean> => {
  const gateway = await oidc.discovery(
    new URL(issuer),
    'gateway',
    'gateway-secret',
    oidc.ClientSecretBasic('gateway-secret'),
    {
      execute: [oidc.allowInsecureRequests],
    },
  );
  return (await oidc.tokenIntrospection(gateway, token)).active;
};

test(requirement('tenants-never-meet', 'tokens and keys'), async () => {
  const { issuer: made } = await tallystick.tenants.create({ id: 'made', ...demo });
  const issuers = [tallystick.issuer, `${tallystick.issuer}/configured`, made];
  expect(tallystick.tenants.list().map(({ issuer }) => issuer)).toEqual(issuers.slice(1));
  const tokens = await Promise.all(
    issuers.map(async (issuer) => (await signIn(signInTarget(issuer), { style: 'phantom' })).tokens.access_token),
  );
  for (const [at, issuer] of issuers.entries()) {
    for (const [from, token] of tokens.entries())
      expect([issuer, from, await isActive(issuer, token)]).toEqual([issuer, from, from === at]);
  }
  const kids = await Promise.all(
    issuers.map(async (issuer) => {
      const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: { kid: string }[] };
      return keys[0]?.kid;
    }),
  );
  expect(new Set(kids).size).toBe(3);
  await tallystick.tenants.remove('made');
});

test(requirement('tenants-never-meet', 'a removed tenant is gone, and comes back empty'), async () => {
  const { issuer: first } = await tallystick.tenants.create({ id: 'again', ...demo });
  const token = await serviceToken(signInTarget(first), 'phantom');
  expect(await isActive(first, token)).toBe(true);
  await tallystick.tenants.remove('again');
  expect((await fetch(`${first}/.well-known/openid-configuration`)).status).toBe(404);
  const { issuer: second } = await tallystick.tenants.create({ id: 'again', ...demo });
  expect(second).toBe(first);
  expect(await isActive(second, token)).toBe(false);
  await tallystick.tenants.remove('again');
});

test(requirement('tenants-never-meet', 'invalid tenants are refused'), async () => {
  const create = (id: string) => tallystick.tenants.create({ id, ...demo });
  await expect(create('configured')).rejects.toMatchObject({ code: 'conflict' });
  for (const [id, expected] of [
    ['token', 'expected a name that the authorization server does not use'],
    ['a/b', 'expected letters'],
  ] as const) {
    await expect(create(id)).rejects.toMatchObject({ path: 'id', message: expect.stringContaining(expected) });
  }
  expect(await tallystick.tenants.remove('nobody')).toBe(false);
});

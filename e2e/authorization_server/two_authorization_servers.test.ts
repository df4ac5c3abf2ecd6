import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { open, submit } from '@tallystick/testing/sign_in';
import { until } from '@tallystick/testing/until';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as oidc from 'openid-client';
import { parse } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { demoBank, pollBackchannel, startBackchannel } from '../support/clients/backchannel.ts';
import { call, demoWeb, introspect, serviceToken } from '../support/clients/clients.ts';
import { connectDevice, demoTv, pollDevice, startDevice } from '../support/clients/device.ts';
import { authorize, signIn } from '../support/clients/sign_in.ts';
import { type Control, controlAt } from '../support/worlds/controlled.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { DEMO_CONFIG, resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

let folder: string;
let world: ManyProcesses;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
  const config = path.join(folder, 'config.json');
  await writeFile(config, JSON.stringify(await withTenant()));
  world = await startManyProcesses({
    config,
    environment: {
      TALLYSTICK_AUTHORIZATION_SERVER_REGISTERED_CLIENT_CREDENTIALS: 'true',
      TALLYSTICK_CONTROL_API_ENABLED: 'true',
      TALLYSTICK_CONTROL_API_PORT: '0',
      TALLYSTICK_CONTROL_API_HOST: '127.0.0.1',
    },
  });
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true });
});

/** The demo and an equal tenant. Reuse of a refresh token counts as theft at once. */
async function withTenant(): Promise<object> {
  const demo = parse(await readFile(DEMO_CONFIG, 'utf8'));
  const { apis, clients, users } = demo;
  return {
    ...demo,
    authorizationServer: { reuseGrace: { refreshToken: 0 } },
    tenants: [{ id: 'ours', apis, clients, users }],
  };
}

/** Milliseconds for which a key is published before it signs. */
const ANNOUNCE_FOR = 5_500;

const BOTH = [0, 1] as const;
type Which = (typeof BOTH)[number];
const other = (which: Which) => (which === 0 ? 1 : 0);

/** From now on this authorization server gets all requests for the issuer. */
function reach(which: Which): void {
  world.loadBalancer.targets = [String(world.authorizationServers()[which]?.url)];
}

const control = (which: Which): Control => controlAt(String(world.authorizationServers()[which]?.controlUrl));

const gatewaysAnswer = async (style: Style, token: string) =>
  Promise.all(world.gateways.map(async (gateway) => (await call(gateway, style, token)).status));

test.each(STYLES)(requirement('two-are-one', 'a code from one is redeemed at the other, once: %s'), async (style) => {
  reach(0);
  const { client, callback, checks } = await authorize(world, { style });
  reach(1);
  const tokens = await oidc.authorizationCodeGrant(client, callback, checks);
  world.log.secret(tokens.access_token, tokens.refresh_token, tokens.id_token);
  expect(await gatewaysAnswer(style, tokens.access_token)).toEqual([200, 200]);
  reach(0);
  await expect(oidc.authorizationCodeGrant(client, callback, checks)).rejects.toMatchObject({ error: 'invalid_grant' });
});

test(
  requirement('two-are-one', 'a refresh token from one is used at the other, and its reuse is seen at both'),
  async () => {
    reach(0);
    const { client, tokens } = await signIn(world, { style: 'phantom' });
    const first = String(tokens.refresh_token);
    reach(1);
    const renewed = await oidc.refreshTokenGrant(client, first);
    world.log.secret(renewed.access_token, renewed.refresh_token, renewed.id_token);
    expect(await gatewaysAnswer('phantom', renewed.access_token)).toEqual([200, 200]);
    reach(0);
    const refused = { error: 'invalid_grant' };
    await expect(oidc.refreshTokenGrant(client, first)).rejects.toMatchObject(refused);
    reach(1);
    await expect(oidc.refreshTokenGrant(client, String(renewed.refresh_token))).rejects.toMatchObject(refused);
    expect(await gatewaysAnswer('phantom', renewed.access_token)).toEqual([401, 401]);
  },
);

test.each(BOTH)(requirement('two-are-one', 'revocation at number %d is seen at both'), async (which) => {
  for (const style of ['opaque', 'phantom', 'split'] as const) {
    reach(other(which));
    const { client, tokens } = await signIn(world, { style });
    expect(await gatewaysAnswer(style, tokens.access_token)).toEqual([200, 200]);
    reach(which);
    await oidc.tokenRevocation(client, tokens.access_token);
    for (const each of BOTH) {
      reach(each);
      expect(await introspect(world, tokens.access_token)).toEqual({ active: false });
    }
    expect(await gatewaysAnswer(style, tokens.access_token)).toEqual([401, 401]);
  }
});

test.each([
  [0, 'a new key', () => ({})],
  [1, 'a key of ours', () => ({ key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(PKCS8) })],
] as const)(
  requirement('two-are-one', 'after a rotation at number %d both sign with the new key: %s'),
  async (which, _key, options) => {
    const before = await Promise.all(BOTH.map(jwksOf));
    expect(before[0]).toEqual(before[1]);
    const { status, body } = await control(which)('POST', '/keys/rotation', {
      announceFor: ANNOUNCE_FOR,
      ...options(),
    });
    expect([status, body.keys[0]]).toMatchObject([201, { kid: before[0]?.[0], status: 'signing' }]);
    const { kid } = body.keys.find((key: Key) => key.status === 'announced');
    // Both servers publish the key before it signs.
    await until(async () => (await Promise.all(BOTH.map(jwksOf))).every((kids) => kids.includes(kid)));
    await until(async () => (await Promise.all(BOTH.map(jwksOf))).every((kids) => kids[0] === kid));
    expect(await jwksOf(0)).toEqual(await jwksOf(1));
    for (const each of BOTH) {
      reach(each);
      const token = await serviceToken(world, 'jwt');
      expect(decodeProtectedHeader(token).kid).toBe(kid);
      expect(await gatewaysAnswer('jwt', token)).toEqual([200, 200]);
      const statuses = Object.fromEntries(
        (await control(each)('GET', '/keys')).body.keys.map((key: Key) => [key.kid, key.status]),
      );
      expect(statuses).toMatchObject({ [kid]: 'signing', [String(before[0]?.[0])]: 'retired' });
    }
  },
);

interface Key {
  readonly kid: string;
  readonly status: string;
}

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const;

async function jwksOf(which: Which): Promise<string[]> {
  const { keys } = (await (await fetch(`${world.authorizationServers()[which]?.url}/jwks`)).json()) as {
    keys: { kid: string }[];
  };
  return keys.map(({ kid }) => kid);
}

test(requirement('two-are-one', 'a client that registered at one is known at the other, until it leaves'), async () => {
  reach(0);
  const metadata = { grant_types: ['client_credentials'], response_types: [] };
  const options = { execute: [oidc.allowInsecureRequests] };
  const client = await oidc.dynamicClientRegistration(new URL(world.issuer), metadata, undefined, options);
  const { client_secret, registration_access_token, registration_client_uri } = client.clientMetadata();
  world.log.secret(client_secret, String(registration_access_token));
  reach(1);
  const obtain = () => oidc.clientCredentialsGrant(client, { resource: resourceOf('split'), scope: 'read' });
  const { access_token: token } = await obtain();
  world.log.secret(token);
  expect(await gatewaysAnswer('split', token)).toEqual([200, 200]);
  const left = await fetch(String(registration_client_uri), {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${registration_access_token}` },
  });
  expect(left.status).toBe(204);
  reach(0);
  await expect(obtain()).rejects.toMatchObject({ error: 'invalid_client' });
});

test(requirement('two-are-one', 'a request pushed to one is used at the other'), async () => {
  const { client, callback, checks } = await authorize(world, {
    style: 'split',
    async send(configuration, parameters) {
      reach(0);
      const url = await oidc.buildAuthorizationUrlWithPAR(configuration, parameters);
      world.log.secret(url.searchParams.get('request_uri'));
      reach(1);
      return url;
    },
  });
  const tokens = await oidc.authorizationCodeGrant(client, callback, checks);
  world.log.secret(tokens.access_token, tokens.refresh_token, tokens.id_token);
  expect(await gatewaysAnswer('split', tokens.access_token)).toEqual([200, 200]);
});

test(
  requirement(
    'two-are-one',
    'a device gets its code at one, the user approves at the other, and it polls at the first',
  ),
  async () => {
    reach(0);
    const client = await demoTv(world);
    const started = await startDevice(world, client, 'phantom');
    reach(1);
    await connectDevice(world, started);
    reach(0);
    expect(await gatewaysAnswer('phantom', (await pollDevice(world, client, started)).access_token)).toEqual([
      200, 200,
    ]);
  },
);

test(requirement('two-are-one', 'the control API of one approves a backchannel request at the other'), async () => {
  reach(0);
  const client = await demoBank(world);
  const started = await startBackchannel(world, client, { style: 'phantom', user: 'bob', message: 'at the other' });
  expect((await control(1)('GET', '/backchannel-requests?user=bob')).body.requests).toMatchObject([
    { bindingMessage: 'at the other' },
  ]);
  const decision = { authReqId: started.auth_req_id, decision: 'approve' };
  expect((await control(1)('POST', '/backchannel-requests/decisions', decision)).status).toBe(204);
  const { access_token: token } = await pollBackchannel(world, client, started);
  expect(await gatewaysAnswer('phantom', token)).toEqual([200, 200]);
});

test(requirement('two-are-one', 'a session of one continues and ends at the other'), async () => {
  reach(0);
  const { browser, tokens } = await signIn(world, { style: 'phantom' });
  reach(1);
  const client = await demoWeb(world);
  const url = oidc.buildEndSessionUrl(client, { id_token_hint: String(tokens.id_token) });
  const page = await open(browser, url);
  expect(page.status).toBe(200);
  await submit(browser, page.text, { logout: 'yes' });
  expect(await gatewaysAnswer('phantom', tokens.access_token)).toEqual([401, 401]);
});

test(requirement('two-are-one', 'a tenant at both is one issuer too'), async () => {
  const tenant = { ...world, issuer: `${world.issuer}/ours` };
  reach(0);
  const { client, callback, checks } = await authorize(tenant, { style: 'phantom' });
  reach(1);
  const { access_token: token, refresh_token, id_token } = await oidc.authorizationCodeGrant(client, callback, checks);
  world.log.secret(token, refresh_token, id_token);
  reach(0);
  expect(await introspect(tenant, token)).toMatchObject({ active: true, sub: 'alice' });
  expect(await introspect(world, token)).toEqual({ active: false });
  await oidc.tokenRevocation(client, token);
  reach(1);
  expect(await introspect(tenant, token)).toEqual({ active: false });
  const rotated = await control(0)('POST', '/keys/rotation?tenant=ours', { announceFor: 0 });
  await until(async () => {
    const { keys } = (await control(1)('GET', '/keys?tenant=ours')).body;
    return keys[0].kid === rotated.body.keys[0].kid;
  });
});

test(
  requirement('control-api-of-a-role', 'faults, scripted answers and recorded requests belong to its process'),
  async () => {
    const tokenStatusAt = async (which: Which) => {
      const answer = await fetch(`${world.authorizationServers()[which]?.url}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf('opaque') }),
      });
      await answer.arrayBuffer();
      return answer.status;
    };
    await Promise.all(BOTH.map((which) => control(which)('DELETE', '/requests')));
    await control(0)('POST', '/faults', { faults: [{ endpoint: 'token', status: 503 }] });
    await control(1)('POST', '/scripted-answers', { answers: [{ endpoint: 'token', status: 418 }] });
    expect([await tokenStatusAt(0), await tokenStatusAt(1), await tokenStatusAt(1)]).toEqual([503, 418, 200]);
    const recorded = async (which: Which) =>
      (await control(which)('GET', '/requests?endpoint=token')).body.requests.map(
        ({ status }: { status: number }) => status,
      );
    expect([await recorded(0), await recorded(1)]).toEqual([[503], [418, 200]]);
    await control(0)('DELETE', '/faults');
    expect(await tokenStatusAt(0)).toBe(200);
  },
);

test(
  requirement('control-api-of-a-role', 'a new client exists at one process, and a new token is valid at all gateways'),
  async () => {
    const added = { id: 'added', secret: 'added-secret', grants: ['client_credentials'] };
    expect((await control(0)('PUT', '/clients', added)).status).toBe(201);
    const listed = async (which: Which) => JSON.stringify((await control(which)('GET', '/clients')).body);
    expect([(await listed(0)).includes('"added"'), (await listed(1)).includes('"added"')]).toEqual([true, false]);
    const minted = await control(0)('POST', '/tokens', {
      client: 'demo-service',
      api: resourceOf('split'),
      scopes: ['read'],
    });
    expect(minted.status).toBe(201);
    world.log.secret(minted.body.accessToken, minted.body.jwt);
    expect(decodeJwt(minted.body.jwt).iss).toBe(world.issuer);
    expect(await gatewaysAnswer('split', minted.body.accessToken)).toEqual([200, 200]);
  },
);

test(requirement('clock-on-redis', 'through the control API of a role'), async () => {
  expect(await control(0)('POST', '/clock/advance', { seconds: 60 })).toMatchObject({
    status: 409,
    body: { error: 'clock_fixed' },
  });
});

// The last one: it forgets everything.
test(requirement('control-api-of-a-role', 'a reset at one empties the store of all'), async () => {
  reach(1);
  const token = await serviceToken(world, 'phantom');
  expect(await gatewaysAnswer('phantom', token)).toEqual([200, 200]);
  const keys = await jwksOf(1);
  expect((await control(0)('POST', '/reset')).status).toBe(200);
  expect(await introspect(world, token)).toEqual({ active: false });
  await until(async () => (await gatewaysAnswer('phantom', token)).every((status) => status === 401));
  expect(await Promise.all(BOTH.map(jwksOf))).toEqual([keys, keys]);
  expect(JSON.stringify((await control(0)('GET', '/clients')).body)).not.toContain('"added"');
  expect(await gatewaysAnswer('phantom', await serviceToken(world, 'phantom'))).toEqual([200, 200]);
});

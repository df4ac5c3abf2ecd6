import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { open } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { parse } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { decide, demoBank, startBackchannel } from '../support/clients/backchannel.ts';
import { call, demoBackend, demoWeb } from '../support/clients/clients.ts';
import { connectDevice, demoTv, startDevice } from '../support/clients/device.ts';
import { inspected } from '../support/clients/inspected.ts';
import { authorize, signIn } from '../support/clients/sign_in.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { DEMO_CONFIG, resourceOf, type Style, type World } from '../support/worlds/world.ts';

/** The styles whose tokens can be revoked. */
const REFERENCES = ['opaque', 'phantom', 'split'] as const;

const CLIENT = { id: 'passing', secret: 'passing-secret', grants: ['client_credentials'] };
const USER = { id: 'passing-user', claims: {} };

/** Calls with the token at every gateway. */
async function statuses(world: World, style: Style, token: string): Promise<number[]> {
  return Promise.all(world.gateways.map(async (gateway) => (await call(gateway, style, token)).status));
}

/** Expects every gateway to accept the token. The gateways then have it in their caches. */
async function expectGood(world: World, style: Style, token: string): Promise<void> {
  expect(new Set(await statuses(world, style, token))).toEqual(new Set([200]));
  expect(await inspected(world, token)).toEqual(['active', 'active', 'active']);
}

/** Expects every gateway to refuse the token, and every form of introspection to report it as inactive. */
async function expectGone(world: World, style: Style, token: string): Promise<void> {
  expect(new Set(await statuses(world, style, token))).toEqual(new Set([401]));
  expect(await inspected(world, token)).toEqual(['inactive', 'inactive', 'inactive']);
}

/** The token that the demo backend gets in exchange for a token (RFC 8693). */
async function exchanged(world: World, token: string, to: Style): Promise<string> {
  const { access_token } = await oidc.genericGrantRequest(
    await demoBackend(world),
    'urn:ietf:params:oauth:grant-type:token-exchange',
    {
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: resourceOf(to),
    },
  );
  world.log.secret(access_token);
  return access_token;
}

describe('in one process', () => {
  let world: Controlled;
  beforeAll(async () => {
    world = await startControlled();
  });
  afterAll(() => world.stop());

  const put = async (collection: string, entry: object) => {
    expect([200, 201]).toContain((await world.control('PUT', collection, entry)).status);
  };
  const remove = async (entry: string) => expect((await world.control('DELETE', entry)).status).toBe(204);
  const entryOf = async (collection: 'clients' | 'users', id: string) => {
    const { body } = await world.control('GET', `/${collection}`);
    return body[collection].find((entry: { id: string }) => entry.id === id);
  };

  describe.each(REFERENCES)('%s', (style) => {
    test(requirement('tokens-go-with-their-owner', `removal of a client: ${style}`), async () => {
      await put('/clients', CLIENT);
      const { accessToken } = await world.mint(style, { client: CLIENT.id });
      await expectGood(world, style, accessToken);
      await remove(`/clients/${CLIENT.id}`);
      await expectGone(world, style, accessToken);
      await put('/clients', CLIENT);
      await expectGone(world, style, accessToken);
      await expectGood(world, style, (await world.mint(style, { client: CLIENT.id })).accessToken);
    });

    test(
      requirement('tokens-go-with-their-owner', `tokens that others exchanged for a client's tokens: ${style}`),
      async () => {
        await put('/clients', CLIENT);
        const { accessToken } = await world.mint(style, { client: CLIENT.id, user: 'alice' });
        const { accessToken: ofAnother } = await world.mint(style, { user: 'alice' });
        const once = await exchanged(world, accessToken, 'split');
        const twice = await exchanged(world, once, 'phantom');
        const fromAnother = await exchanged(world, ofAnother, 'split');
        for (const [which, token] of [
          ['split', once],
          ['phantom', twice],
          ['split', fromAnother],
        ] as const)
          await expectGood(world, which, token);
        await remove(`/clients/${CLIENT.id}`);
        await expectGone(world, 'split', once);
        await expectGone(world, 'phantom', twice);
        await expectGood(world, 'split', fromAnother);
      },
    );

    test(requirement('tokens-go-with-their-owner', `removal of a user: ${style}`), async () => {
      await put('/users', USER);
      const { accessToken } = await world.mint(style, { user: USER.id });
      const { accessToken: ofAnother } = await world.mint(style, { user: 'alice' });
      await expectGood(world, style, accessToken);
      await remove(`/users/${USER.id}`);
      await expectGone(world, style, accessToken);
      await put('/users', USER);
      await expectGone(world, style, accessToken);
      await expectGood(world, style, (await world.mint(style, { user: USER.id })).accessToken);
      await expectGood(world, style, ofAnother);
    });

    test(requirement('introspection-of-jwts', `the JWT that stands for a token: ${style}`), async () => {
      await put('/clients', CLIENT);
      const { jwt } = await world.mint(style, { client: CLIENT.id });
      expect(await inspected(world, jwt)).toEqual(['active', 'active', 'active']);
      await remove(`/clients/${CLIENT.id}`);
      expect(await inspected(world, jwt)).toEqual(['inactive', 'inactive', 'inactive']);
    });

    test(requirement('tokens-go-with-their-owner', `a reset: ${style}`), async () => {
      await put('/clients', CLIENT);
      const { accessToken } = await world.mint(style, { client: CLIENT.id });
      await expectGood(world, style, accessToken);
      expect((await world.control('POST', '/reset', {})).status).toBe(200);
      await expectGone(world, style, accessToken);
      await put('/clients', CLIENT);
      await expectGone(world, style, accessToken);
    });

    test(requirement('tokens-go-with-their-owner', `a changed owner keeps its tokens: ${style}`), async () => {
      await put('/clients', CLIENT);
      await put('/users', USER);
      const { accessToken } = await world.mint(style, { client: CLIENT.id, user: USER.id });
      await expectGood(world, style, accessToken);
      await put('/clients', { ...CLIENT, secret: 'another-secret' });
      await put('/users', { ...USER, claims: { role: 'guest' } });
      await expectGood(world, style, accessToken);
    });
  });

  test.each([
    ['clients', CLIENT, { client: CLIENT.id }],
    ['users', USER, { user: USER.id }],
  ] as const)(
    requirement('introspection-of-jwts', 'is inactive after the removal of its owner: %s'),
    async (collection, entry, request) => {
      await put(`/${collection}`, entry);
      const { accessToken } = await world.mint('jwt', request);
      await expectGood(world, 'jwt', accessToken);
      await remove(`/${collection}/${entry.id}`);
      expect(await inspected(world, accessToken)).toEqual(['inactive', 'inactive', 'inactive']);
      // The gateway validates a token of this style itself and does not introspect it.
      expect(await statuses(world, 'jwt', accessToken)).toEqual([200]);
      await put(`/${collection}`, entry);
      expect(await inspected(world, accessToken)).toEqual(['inactive', 'inactive', 'inactive']);
      await expectGood(world, 'jwt', (await world.mint('jwt', request)).accessToken);
      await world.control('POST', '/reset', {});
      await put(`/${collection}`, entry);
      expect(await inspected(world, accessToken)).toEqual(['inactive', 'inactive', 'inactive']);
    },
  );

  test.each(['x', 'not.a.jwt', '..', `eyJhbGciOiJub25lIn0.${'A'.repeat(50_000)}.`])(
    requirement('introspection-of-jwts', 'reports garbage as inactive: %#'),
    async (garbage) => {
      expect(await inspected(world, garbage)).toEqual(['inactive', 'inactive', 'inactive']);
    },
  );

  test.each([
    ['clients', 'demo-web'],
    ['users', 'alice'],
  ] as const)(
    requirement('tokens-go-with-their-owner', 'codes, refresh tokens and sign-ins: %s'),
    async (collection, id) => {
      const entry = await entryOf(collection, id);
      const { client, tokens, browser } = await signIn(world, { style: 'phantom' });
      const { callback, checks } = await authorize(world, { style: 'phantom', client });
      await remove(`/${collection}/${id}`);
      await put(`/${collection}`, entry);
      const refused = { error: 'invalid_grant' };
      await expect(oidc.refreshTokenGrant(client, String(tokens.refresh_token))).rejects.toMatchObject(refused);
      await expect(oidc.authorizationCodeGrant(client, callback, checks)).rejects.toMatchObject(refused);
      await expectGone(world, 'phantom', tokens.access_token);
      expect(await pageFor(browser)).toMatch(collection === 'users' ? /<h1>Sign in/ : /asks for/);
    },
  );

  /** The response to another authorization request from the browser that signed in. */
  async function pageFor(browser: Awaited<ReturnType<typeof signIn>>['browser']): Promise<string> {
    const url = oidc.buildAuthorizationUrl(await demoWeb(world), {
      redirect_uri: 'http://127.0.0.1:53682/callback',
      scope: 'openid read',
      resource: resourceOf('phantom'),
      code_challenge: await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    });
    let answer = await open(browser, url);
    while (answer.status === 303) {
      const { pathname, search, origin } = new URL(String(answer.headers.location), world.issuer);
      if (origin !== new URL(world.issuer).origin) return 'back at the client';
      answer = await open(browser, pathname + search);
    }
    return answer.text;
  }

  test.each([
    ['clients', 'demo-tv'],
    ['users', 'bob'],
  ] as const)(requirement('tokens-go-with-their-owner', 'device codes: %s'), async (collection, id) => {
    const entry = await entryOf(collection, id);
    const client = await demoTv(world);
    const started = await startDevice(world, client, 'phantom');
    await connectDevice(world, started, 'bob');
    await remove(`/${collection}/${id}`);
    await put(`/${collection}`, entry);
    expect(await redeem('device_code', { device_code: started.device_code, client_id: 'demo-tv' })).toEqual(REFUSED);
  });

  test.each([
    ['clients', 'demo-bank'],
    ['users', 'bob'],
  ] as const)(requirement('tokens-go-with-their-owner', 'backchannel requests: %s'), async (collection, id) => {
    const entry = await entryOf(collection, id);
    const client = await demoBank(world);
    const approved = await startBackchannel(world, client, {
      style: 'phantom',
      user: 'bob',
      message: `approved ${id}`,
    });
    await decide(world, { user: 'bob', message: `approved ${id}`, decision: 'approve' });
    const waiting = await startBackchannel(world, client, { style: 'phantom', user: 'bob', message: `waiting ${id}` });
    await remove(`/${collection}/${id}`);
    await put(`/${collection}`, entry);
    for (const { auth_req_id } of [approved, waiting]) {
      const parameters = { auth_req_id, client_id: 'demo-bank', client_secret: 'demo-bank-secret' };
      expect(await redeem('ciba', parameters)).toEqual(REFUSED);
    }
    expect((await world.control('GET', '/backchannel-requests?user=bob')).body.requests).toEqual([]);
  });

  const REFUSED = [400, 'invalid_grant'];
  async function redeem(grant: 'device_code' | 'ciba', parameters: Record<string, string>) {
    const kind =
      grant === 'ciba' ? 'urn:openid:params:grant-type:ciba' : 'urn:ietf:params:oauth:grant-type:device_code';
    const body = new URLSearchParams({ grant_type: kind, ...parameters });
    const answer = await fetch(`${world.issuer}/token`, { method: 'POST', body });
    return [answer.status, ((await answer.json()) as { error: string }).error];
  }

  test(requirement('tokens-go-with-their-owner', 'removal of a tenant'), async () => {
    const apis = [{ resource: resourceOf('phantom'), scopes: ['read'] }];
    const tenant = {
      id: 'passing',
      apis,
      clients: [CLIENT, { id: 'gateway', secret: 'gateway-secret', introspects: true }],
    };
    const make = async () => {
      const { body } = await world.control('POST', '/tenants', tenant);
      return { ...world, issuer: body.issuer as string };
    };
    const first = await make();
    const request = { client: CLIENT.id, api: resourceOf('phantom') };
    const { body } = await world.control('POST', '/tokens?tenant=passing', request);
    world.log.secret(body.accessToken, body.jwt);
    expect(await inspected(first, body.accessToken)).toEqual(['active', 'active', 'active']);
    await remove('/tenants/passing');
    expect(await inspected(await make(), body.accessToken)).toEqual(['inactive', 'inactive', 'inactive']);
    await remove('/tenants/passing');
  });
});

describe('in many processes on Redis', () => {
  let folder: string;
  let world: ManyProcesses;
  let configured: Record<string, unknown> & { clients: { id: string }[]; users: { id: string }[] };

  const configure = (change: (config: typeof configured) => object = (config) => config) =>
    writeFile(path.join(folder, 'config.json'), JSON.stringify(change(configured)));

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
    configured = parse(await readFile(DEMO_CONFIG, 'utf8'));
    await configure();
    world = await startManyProcesses({
      config: path.join(folder, 'config.json'),
      environment: { TALLYSTICK_AUTHORIZATION_SERVER_REGISTERED_CLIENT_CREDENTIALS: 'true' },
    });
  });
  afterAll(async () => {
    await world.stop();
    await rm(folder, { recursive: true });
  });

  const reach = (which: 0 | 1) => {
    world.loadBalancer.targets = [String(world.authorizationServers()[which]?.url)];
  };
  const reachBoth = () => {
    world.loadBalancer.targets = world.authorizationServers().map(({ url }) => url);
  };

  test.each(REFERENCES)(
    requirement('tokens-go-with-their-owner', 'a client deletes its registration at another server: %s'),
    async (style) => {
      reach(0);
      const metadata = { grant_types: ['client_credentials'], response_types: [] };
      const options = { execute: [oidc.allowInsecureRequests] };
      const client = await oidc.dynamicClientRegistration(new URL(world.issuer), metadata, undefined, options);
      const { client_secret, registration_access_token: held, registration_client_uri: uri } = client.clientMetadata();
      world.log.secret(client_secret, String(held));
      const issued = await oidc.clientCredentialsGrant(client, { resource: resourceOf(style), scope: 'read' });
      world.log.secret(issued.access_token);
      await expectGood(world, style, issued.access_token);
      reach(1);
      const deleted = await fetch(String(uri), { method: 'DELETE', headers: { Authorization: `Bearer ${held}` } });
      expect(deleted.status).toBe(204);
      for (const which of [0, 1] as const) {
        reach(which);
        await expectGone(world, style, issued.access_token);
      }
    },
  );

  test(
    requirement(
      'introspection-of-jwts',
      'a client deletes its registration at another server than the one that issued the token',
    ),
    async () => {
      reach(0);
      const metadata = { grant_types: ['client_credentials'], response_types: [] };
      const options = { execute: [oidc.allowInsecureRequests] };
      const client = await oidc.dynamicClientRegistration(new URL(world.issuer), metadata, undefined, options);
      const { client_secret, registration_access_token: held, registration_client_uri: uri } = client.clientMetadata();
      const { access_token: jwt } = await oidc.clientCredentialsGrant(client, { resource: resourceOf('jwt') });
      world.log.secret(client_secret, String(held), jwt);
      reach(1);
      expect(await inspected(world, jwt)).toEqual(['active', 'active', 'active']);
      await fetch(String(uri), { method: 'DELETE', headers: { Authorization: `Bearer ${held}` } });
      reach(0);
      expect(await inspected(world, jwt)).toEqual(['inactive', 'inactive', 'inactive']);
    },
  );

  test(requirement('tokens-go-with-their-owner', 'a restart with a configuration without the owner'), async () => {
    reachBoth();
    const { tokens } = await signIn(world, { style: 'phantom' });
    const issued = await Promise.all(
      REFERENCES.flatMap((style) => [
        serviceTokenOf(style).then((token) => ({ style, token })),
        signIn(world, { style }).then(({ tokens: { access_token: token } }) => ({ style, token })),
      ]),
    );
    for (const { style, token } of issued) await expectGood(world, style, token);

    await restart(({ clients, users, ...config }) => ({
      ...config,
      clients: clients.filter(({ id }) => id !== 'demo-service'),
      users: users.filter(({ id }) => id !== 'alice'),
    }));
    for (const { style, token } of issued) await expectGone(world, style, token);

    await restart();
    for (const { style, token } of issued) await expectGone(world, style, token);
    const refreshing = oidc.refreshTokenGrant(await demoWeb(world), String(tokens.refresh_token));
    await expect(refreshing).rejects.toMatchObject({ error: 'invalid_grant' });
    for (const style of REFERENCES) await expectGood(world, style, await serviceTokenOf(style));
  });

  async function serviceTokenOf(style: Style): Promise<string> {
    const answer = await fetch(`${world.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf(style), scope: 'read' }),
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    world.log.secret(token);
    return token;
  }

  async function restart(change?: Parameters<typeof configure>[0]) {
    await configure(change);
    await world.stopAuthorizationServers();
    await world.startAuthorizationServers();
  }
});

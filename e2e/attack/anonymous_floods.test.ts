import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cookiesSetBy } from '@tallystick/testing/cookie_jar';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import { Redis } from 'ioredis';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import type { ConfigInput } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { call, introspect } from '../support/clients/clients.ts';
import { connectDevice, demoTv, pollDevice, startDevice } from '../support/clients/device.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';

const MIB = 1024 * 1024;
const BUDGET = { maxEntries: 12, maxBytes: MIB / 4 };
/** Far more records than the memory store could hold without budgets. */
const ROUNDS = 260;
/** Fewer than the budget, so the records of one request are still there for the next. */
const AT_ONCE = 5;
const prefix = `e2e:${randomUUID()}:`;

/** Kinds of records, by the number of keys that the store has for each record. */
const ONE_KEY = ['Client', 'Interaction', 'PushedAuthorizationRequest', 'Poll', 'ReplayDetection'];
const TWO_KEYS = ['DeviceCode', 'Session'];

const STORES: Readonly<Record<string, NonNullable<ConfigInput['store']>>> = {
  memory: { url: 'memory:', maxEntries: 240, maxBytes: 4 * MIB, anonymous: BUDGET },
  Redis: { url: String(process.env.REDIS_URL), prefix, anonymous: BUDGET },
};

describe.each(Object.entries(STORES))('on %s', (name, store) => {
  let world: OneProcess;
  beforeAll(async () => {
    world = await startOneProcess((config) => ({ ...config, store, secret: `the secret of ${prefix}` }));
  });
  afterEach(() => world.tallystick.reset());
  afterAll(() => world.stop());

  const post = async (path: string, body: string | URLSearchParams, type?: string) => {
    const headers = type === undefined ? {} : { 'Content-Type': type };
    const answer = await fetch(world.issuer + path, { method: 'POST', body, headers });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };
  const get = async (path: string, cookie = '') => {
    const answer = await fetch(world.issuer + path, { redirect: 'manual', headers: { Cookie: cookie } });
    await answer.arrayBuffer();
    return answer;
  };
  const register = (metadata: object = {}) =>
    post('/reg', JSON.stringify({ redirect_uris: [REDIRECT_URI], ...metadata }), 'application/json');
  const authorization = (clientId = 'demo-web') =>
    new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    });
  const requestDeviceCode = async () => {
    const answer = await post('/device/auth', new URLSearchParams({ client_id: 'demo-tv', scope: 'openid' }));
    expect(answer.status).toBe(200);
    return answer;
  };

  const keys = generateKeyPair('ES256', { extractable: true });
  /** Signs a JWT that works once. */
  const sign = async (claims: object, header: object) => {
    const { privateKey } = await keys;
    return new SignJWT({ ...claims, jti: randomUUID() })
      .setProtectedHeader({ ...header, alg: 'ES256' })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  };
  const publicKey = async () => exportJWK((await keys).publicKey);

  /** Requests that create records without a sign-in. @returns the status of the response */
  const FLOODS: Readonly<Record<string, () => Promise<number>>> = {
    'registrations of the largest size': async () => (await register({ client_name: 'x'.repeat(50_000) })).status,
    'small registrations': async () => (await register()).status,
    'requests for sign-in': async () => (await get(`/auth?${authorization()}`)).status,
    'sessions without a sign-in': async () => (await get('/session/end')).status,
    'sessions with the cookie of a session without a sign-in': async () => {
      const cookies = cookiesSetBy(await get('/session/end'));
      return (await get(`/auth?${authorization()}`, cookies)).status;
    },
    'sessions without a sign-in that are signed out': async () => {
      const page = await fetch(`${world.issuer}/session/end`);
      const [, action = ''] = /<form[^>]* action="([^"]+)"/.exec(await page.clone().text()) ?? [];
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
      const headers = { Cookie: cookiesSetBy(page) };
      const body = new URLSearchParams({ xsrf, logout: 'yes' });
      const path = new URL(action, world.issuer).pathname;
      return (await fetch(world.issuer + path, { method: 'POST', body, headers, redirect: 'manual' })).status;
    },
    'pushed requests': async () => (await post('/request', authorization())).status,
    'pushed requests with proofs': async () => {
      const claims = { htm: 'POST', htu: `${world.issuer}/request` };
      const proof = await sign(claims, { typ: 'dpop+jwt', jwk: await publicKey() });
      const headers = { DPoP: proof };
      return (await fetch(`${world.issuer}/request`, { method: 'POST', body: authorization(), headers })).status;
    },
    'assertions of a client that registered': async () => {
      const jwks = { keys: [await publicKey()] };
      const { client_id = '' } = (await register({ token_endpoint_auth_method: 'private_key_jwt', jwks })).body;
      const form = {
        grant_type: 'authorization_code',
        code: 'none',
        redirect_uri: REDIRECT_URI,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await sign({ iss: client_id, sub: client_id, aud: world.issuer }, {}),
      };
      const { body } = await post('/token', new URLSearchParams(form));
      expect(body.error).toBe('invalid_grant'); // The client is authenticated, but its code is invalid.
      return 400;
    },
    'requests for a device': async () => (await requestDeviceCode()).status,
    'polls for a device': async () => {
      const { device_code = '' } = (await requestDeviceCode()).body;
      const grant = 'urn:ietf:params:oauth:grant-type:device_code';
      return (await post('/token', new URLSearchParams({ client_id: 'demo-tv', device_code, grant_type: grant })))
        .status;
    },
    'requests that are pushed and used': async () => {
      const { request_uri = '' } = (await post('/request', authorization())).body;
      return (await get(`/auth?${new URLSearchParams({ client_id: 'demo-web', request_uri })}`)).status;
    },
    'requests of a client that registered': async () => {
      const { client_id = '' } = (await register({ token_endpoint_auth_method: 'none' })).body;
      return (await get(`/auth?${authorization(client_id)}`)).status;
    },
  };

  test.each(Object.entries(FLOODS))(requirement('anonymous-floods', '%s'), async (_what, once) => {
    const before = await signIn(world, { style: 'phantom', scope: 'openid offline_access read' });
    const statuses = new Set<number>();
    for (let round = 0; round < ROUNDS; round += AT_ONCE)
      for (const status of await Promise.all(Array.from({ length: AT_ONCE }, once))) statuses.add(status);
    // The server refused none of them, and none failed.
    expect(statuses.size).toBe(1);
    expect([...statuses][0]).toBeLessThan(500);

    const { client, tokens } = before;
    expect((await call(world.gateways[0], 'phantom', tokens.access_token)).status).toBe(200);
    expect(await introspect(world, tokens.access_token)).toMatchObject({ active: true, sub: 'alice' });
    const refreshed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
    world.log.secret(refreshed.access_token, refreshed.refresh_token, refreshed.id_token);
    const after = await signIn(world, { style: 'split', user: 'bob' });
    expect((await call(world.gateways[0], 'split', after.tokens.access_token)).status).toBe(200);
    const device = await startDevice(world, await demoTv(world), 'phantom');
    await connectDevice(world, device);
    const { access_token: token } = await pollDevice(world, await demoTv(world), device);
    expect((await call(world.gateways[0], 'phantom', token)).status).toBe(200);
  });

  test(requirement('anonymous-floods', 'a registered client with a token stays'), async () => {
    const options = { execute: [oidc.allowInsecureRequests] };
    const metadata = { redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'refresh_token'] };
    const add = async () => {
      const client = await oidc.dynamicClientRegistration(new URL(world.issuer), metadata, undefined, options);
      const { client_secret, registration_access_token } = client.clientMetadata();
      world.log.secret(client_secret, String(registration_access_token));
      return client;
    };
    const isKnown = async (client: oidc.Configuration) => {
      const { registration_access_token: token, registration_client_uri: uri } = client.clientMetadata();
      return (await fetch(String(uri), { headers: { Authorization: `Bearer ${token}` } })).ok;
    };
    const [used, unused] = [await add(), await add()];
    const { tokens } = await signIn(world, { client: used, style: 'phantom' });
    expect([await isKnown(used), await isKnown(unused)]).toEqual([true, true]);
    for (let round = 0; round < 2 * BUDGET.maxEntries; round++) expect((await register()).status).toBe(201);
    expect([await isKnown(used), await isKnown(unused)]).toEqual([true, false]);
    const refreshed = await oidc.refreshTokenGrant(used, String(tokens.refresh_token));
    world.log.secret(refreshed.access_token, refreshed.refresh_token, refreshed.id_token);
  });

  if (name === 'Redis') {
    test(requirement('anonymous-floods', 'their records in Redis stay within the budget'), async () => {
      const redis = new Redis(String(process.env.REDIS_URL));
      const largest: Record<string, number> = {};
      for (const once of Object.values(FLOODS)) {
        for (let round = 0; round < 2 * BUDGET.maxEntries; round++) await once();
        const keys = await redis.keys(`${prefix}*`);
        for (const kind of [...ONE_KEY, ...TWO_KEYS]) {
          const count = keys.filter((key) => key.endsWith(`}:${kind}`)).length;
          largest[kind] = Math.max(largest[kind] ?? 0, count);
        }
      }
      expect(Object.entries(largest).filter(([, count]) => count === 0)).toEqual([]);
      for (const kind of ONE_KEY) expect(largest[kind]).toBeLessThanOrEqual(BUDGET.maxEntries);
      for (const kind of TWO_KEYS) expect(largest[kind]).toBeLessThanOrEqual(2 * BUDGET.maxEntries);
      redis.disconnect();
    });

    afterAll(async () => {
      const redis = new Redis(String(process.env.REDIS_URL));
      await redis.unlink(await redis.keys(`${prefix}*`));
      redis.disconnect();
    });
  }
});

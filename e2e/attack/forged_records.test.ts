import { createCipheriv, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBrowser, open, REDIRECT_URI, submit } from '@tallystick/testing/sign_in';
import { openTokenStore, type RecordPayload, type TokenStore, tokenKey } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { Redis } from 'ioredis';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { demoBank, pollBackchannel, startBackchannel } from '../support/clients/backchannel.ts';
import { call, demoWeb, introspect, serviceToken } from '../support/clients/clients.ts';
import { connectDevice, demoTv, pollDevice, startDevice } from '../support/clients/device.ts';
import { authorize, signIn } from '../support/clients/sign_in.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';

const SECRET = 'what only the authorization servers know';
const prefix = `e2e:${randomUUID()}:`;

let world: OneProcess;
/** The access of the attacker: reads and writes everything in the store. */
let redis: Redis;
/** Opens genuine records, so that the forgeries can imitate them. An attacker cannot open records. */
let genuine: TokenStore;
beforeAll(async () => {
  const url = String(process.env.REDIS_URL);
  redis = new Redis(url);
  genuine = await openTokenStore(storeConfig({ url, prefix }));
  world = await startOneProcess((config) => ({ ...config, secret: SECRET, store: { url, prefix } }));
});
afterAll(async () => {
  await world.stop();
  await genuine.close();
  await redis.unlink(await redis.keys(`${prefix}*`));
  redis.disconnect();
});

const find = async (kind: string, id: string) => {
  const record = await genuine.records(kind, SECRET).find(id);
  if (record === undefined) throw new Error(`there is no such ${kind}`);
  // A token of a session ends with the session, so the forged token has no session.
  const { jti: _id, sessionUid: _session, expiresWithSession: _expires, ...payload } = record;
  return payload;
};

/** The key that seals a record, derived from the value that the client holds. */
type MakeKey = (id: string) => { readonly material: string; readonly salt: string };

const withSecret =
  (secret: string): MakeKey =>
  (id) => ({ material: `tallystick record ${id}`, salt: secret });

/** The sealing keys that an attacker can derive. */
const ATTACKERS_KEYS: readonly (readonly [string, MakeKey])[] = [
  ["the client's half alone, as older versions did", (id) => ({ material: id, salt: '' })],
  ['an empty secret', withSecret('')],
  ['a guessed secret', withSecret('secret')],
];

/** Writes a record as an authorization server does, but sealed with another key. */
type Forge = (kind: string, id: string, payload: RecordPayload) => Promise<void>;

const forgingWith =
  (makeKey: MakeKey): Forge =>
  async (kind, id, payload) => {
    const key = `{${tokenKey(id)}}:${kind}`;
    const content = { payload, expiresAt: Date.now() + 600_000 };
    const { material, salt } = makeKey(id);
    const nonce = randomBytes(12);
    const sealingKey = Buffer.from(hkdfSync('sha256', material, salt, 'tallystick seal', 32));
    const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce).setAAD(Buffer.from(key));
    const sealed = Buffer.concat([nonce, cipher.update(JSON.stringify(content)), cipher.final(), cipher.getAuthTag()]);
    await redis.hset(prefix + key, 'value', `sealed:${sealed.toString('base64url')}`);
    await redis.hdel(prefix + key, 'consumed');
    await redis.expire(prefix + key, 600);
  };

const invented = () => {
  const id = randomBytes(32).toString('base64url');
  world.log.secret(id);
  return id;
};

/** Stores alice's consent to everything that a payload requests. @returns the id of the grant */
async function forgeGrant(forge: Forge, { clientId, grantId }: RecordPayload): Promise<string> {
  const id = invented();
  await forge('Grant', id, { ...(await find('Grant', String(grantId))), accountId: 'alice', clientId });
  return id;
}

const outcomeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'issued',
    (error: { error?: string }) => String(error.error ?? error),
  );

const redeem = (form: Record<string, string>) =>
  fetch(`${world.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) })
    .then(async (answer) => (await answer.json()) as { error?: string })
    .then(({ error = 'issued' }) => error);

interface Attack {
  /** Forges the records, presents the credential, and returns the outcome. */
  readonly run: (forge: Forge) => Promise<unknown>;
  readonly refused: unknown;
  /** The outcome if the attacker had the servers' secret, which proves that the forgery is correct. */
  readonly accepted: unknown;
}

/** Stores a token of alice and its grant. @returns the client-held token */
async function forgeAccessToken(forge: Forge, style?: 'opaque' | 'phantom'): Promise<string> {
  const token = invented();
  const { tokens } = await signIn(world, { user: 'bob', ...(style && { style }) });
  const payload = await find('AccessToken', tokens.access_token);
  await forge('AccessToken', token, { ...payload, accountId: 'alice', grantId: await forgeGrant(forge, payload) });
  return token;
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  'AccessToken at a phantom route': {
    async run(forge) {
      const token = await forgeAccessToken(forge, 'phantom');
      return (await call(world.gateways[0], 'phantom', token)).status;
    },
    refused: 401,
    accepted: 200,
  },
  'AccessToken at an opaque route': {
    async run(forge) {
      const token = await forgeAccessToken(forge, 'opaque');
      return (await call(world.gateways[0], 'opaque', token)).status;
    },
    refused: 401,
    accepted: 200,
  },
  'AccessToken at the introspection endpoint': {
    async run(forge) {
      const token = await forgeAccessToken(forge, 'phantom');
      return (await introspect(world, token)).active;
    },
    refused: false,
    accepted: true,
  },
  'AccessToken at the userinfo endpoint': {
    async run(forge) {
      const token = await forgeAccessToken(forge);
      return (await fetch(`${world.issuer}/me`, { headers: { Authorization: `Bearer ${token}` } })).status;
    },
    refused: 401,
    accepted: 200,
  },
  'ClientCredentials at a phantom route': {
    async run(forge) {
      const token = invented();
      const payload = await find('ClientCredentials', await serviceToken(world, 'phantom'));
      await forge('ClientCredentials', token, payload);
      return (await call(world.gateways[0], 'phantom', token)).status;
    },
    refused: 401,
    accepted: 200,
  },
  'AuthorizationCode, with its Grant': {
    async run(forge) {
      const code = invented();
      const { callback, checks } = await authorize(world, { user: 'bob', style: 'phantom' });
      const payload = await find('AuthorizationCode', String(callback.searchParams.get('code')));
      const grantId = await forgeGrant(forge, payload);
      await forge('AuthorizationCode', code, { ...payload, accountId: 'alice', grantId });
      const form = { redirect_uri: REDIRECT_URI, client_id: 'demo-web', code_verifier: checks.pkceCodeVerifier };
      return redeem({ grant_type: 'authorization_code', code, ...form });
    },
    refused: 'invalid_grant',
    accepted: 'issued',
  },
  'RefreshToken, with its Grant': {
    async run(forge) {
      const token = invented();
      const { tokens } = await signIn(world, { user: 'bob', style: 'phantom', scope: 'openid offline_access read' });
      const payload = await find('RefreshToken', String(tokens.refresh_token));
      const grantId = await forgeGrant(forge, payload);
      await forge('RefreshToken', token, { ...payload, accountId: 'alice', grantId });
      return redeem({ grant_type: 'refresh_token', refresh_token: token, client_id: 'demo-web' });
    },
    refused: 'invalid_grant',
    accepted: 'issued',
  },
  'Grant, in the place of a genuine one': {
    async run(forge) {
      const { tokens } = await signIn(world, { user: 'bob', style: 'phantom' });
      const refreshToken = String(tokens.refresh_token);
      const { grantId } = await find('RefreshToken', refreshToken);
      await forge('Grant', String(grantId), await find('Grant', String(grantId)));
      return redeem({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'demo-web' });
    },
    refused: 'invalid_grant',
    accepted: 'issued',
  },
  "Session, in the place of the attacker's own": {
    async run(forge) {
      const { browser, client } = await signIn(world, { user: 'bob' });
      const id = cookieOf(browser, '_session');
      await forge('Session', id, { ...(await find('Session', id)), accountId: 'alice', authorizations: {} });
      const url = oidc.buildAuthorizationUrl(client, await silentRequest());
      const { headers } = await open(browser, url);
      return new URL(String(headers.location)).searchParams.get('error');
    },
    refused: 'login_required',
    accepted: 'consent_required',
  },
  'Interaction whose user has signed in': {
    async run(forge) {
      const browser = createBrowser(world);
      const url = oidc.buildAuthorizationUrl(await demoWeb(world), await loginRequest());
      const { headers } = await open(browser, url);
      const uid = String(headers.location).split('/').at(-1) as string;
      world.log.secret(uid);
      await forge('Interaction', uid, {
        ...(await find('Interaction', uid)),
        result: { login: { accountId: 'alice' } },
      });
      return (await open(browser, `/auth/${uid}`)).status;
    },
    refused: 400,
    accepted: 303,
  },
  PushedAuthorizationRequest: {
    async run(forge) {
      const id = invented();
      const client = await demoWeb(world);
      const pushed = await oidc.buildAuthorizationUrlWithPAR(client, await loginRequest());
      const requestUri = String(pushed.searchParams.get('request_uri'));
      const original = requestUri.replace(/^.*:/, '');
      world.log.secret(requestUri, original);
      await forge('PushedAuthorizationRequest', id, await find('PushedAuthorizationRequest', original));
      pushed.searchParams.set('request_uri', requestUri.replace(original, id));
      return (await fetch(pushed, { redirect: 'manual' })).status;
    },
    refused: 400,
    accepted: 303,
  },
  DeviceCode: {
    async run(forge) {
      const client = await demoTv(world);
      const started = await startDevice(world, client, 'phantom');
      await connectDevice(world, started, 'bob');
      const payload = await find('DeviceCode', started.device_code);
      const id = invented();
      const grantId = await forgeGrant(forge, payload);
      await forge('DeviceCode', id, { ...payload, userCode: undefined, accountId: 'alice', grantId });
      return outcomeOf(pollDevice(world, client, { ...started, device_code: id }));
    },
    refused: 'invalid_grant',
    accepted: 'issued',
  },
  BackchannelAuthenticationRequest: {
    async run(forge) {
      const client = await demoBank(world);
      const started = await startBackchannel(world, client, { style: 'phantom', user: 'bob', message: 'genuine' });
      await world.tallystick.backchannelRequests.approve(started.auth_req_id);
      const payload = await find('BackchannelAuthenticationRequest', started.auth_req_id);
      const id = invented();
      const grantId = await forgeGrant(forge, payload);
      await forge('BackchannelAuthenticationRequest', id, { ...payload, accountId: 'alice', grantId });
      return outcomeOf(pollBackchannel(world, client, { ...started, auth_req_id: id }));
    },
    refused: 'invalid_grant',
    accepted: 'issued',
  },
  'Client that registered': {
    async run(forge) {
      const id = invented();
      await forge('Client', id, await registrationOf((await register()).client_id, id));
      const url = `${world.issuer}/auth?${new URLSearchParams({ ...(await loginRequest()), client_id: id })}`;
      return (await fetch(url, { redirect: 'manual' })).status;
    },
    refused: 400,
    accepted: 303,
  },
  'registration access token, in the record of its client': {
    async run(forge) {
      const { client_id: id } = await register();
      const token = `${id}.${invented()}`;
      const registration = await registrationOf(id, id);
      const accessToken = { ...(registration.accessToken as object), tokenKey: tokenKey(token) };
      await forge('Client', id, { ...registration, accessToken });
      return (await fetch(`${world.issuer}/reg/${id}`, { headers: { Authorization: `Bearer ${token}` } })).status;
    },
    refused: 401,
    accepted: 200,
  },
};

/** The record of a registered client, under another identifier. */
async function registrationOf(id: string, as: string): Promise<RecordPayload> {
  const { metadata, ...registration } = await find('Client', id);
  return { ...registration, metadata: { ...(metadata as object), client_id: as } };
}

async function register() {
  const answer = await fetch(`${world.issuer}/reg`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' }),
  });
  const registered = (await answer.json()) as Record<'client_id' | 'registration_access_token', string>;
  world.log.secret(registered.registration_access_token);
  return registered;
}

async function loginRequest(): Promise<Record<string, string>> {
  const challenge = await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier());
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
  return { response_type: 'code', redirect_uri: REDIRECT_URI, scope: 'openid', ...pkce };
}

const silentRequest = async () => ({ ...(await loginRequest()), prompt: 'none' });

function cookieOf(browser: Awaited<ReturnType<typeof signIn>>['browser'], name: string): string {
  const access = { domain: new URL(world.issuer).hostname, path: '/', secure: false, script: false };
  const { value } = (browser.jar as unknown as Jar).getCookie(name, access) ?? {};
  if (value === undefined) throw new Error(`no cookie ${name}`);
  return value;
}

interface Jar {
  getCookie(name: string, access: object): { value: string } | undefined;
}

test.each(Object.entries(ATTACKS))(
  requirement('store-writer-gains-nothing', 'a forged %s'),
  async (_what, { run, refused, accepted }) => {
    for (const [, makeKey] of ATTACKERS_KEYS) expect(await run(forgingWith(makeKey))).toEqual(refused);
    expect(await run(forgingWith(withSecret(SECRET)))).toEqual(accepted);
  },
);

test(requirement('store-writer-gains-nothing', 'a forged user code'), async () => {
  const started = await startDevice(world, await demoTv(world), 'phantom');
  const payload = await find('DeviceCode', started.device_code);
  for (const [, makeKey] of ATTACKERS_KEYS) {
    await forgingWith(makeKey)('DeviceCode', 'BCDFGHJK', { ...payload, userCode: 'BCDFGHJK' });
    const browser = createBrowser(world);
    const answer = await submit(browser, (await browser.get('/device')).text, { user_code: 'BCDF-GHJK' });
    expect(answer.text).toContain('This code is unknown');
  }
});

test(requirement('store-writer-gains-nothing', 'a genuine record under another key or of another kind'), async () => {
  const from = await serviceToken(world, 'phantom');
  const keyOf = (token: string, kind: string) => `${prefix}{${tokenKey(token)}}:${kind}`;
  const to = invented();
  for (const kind of ['ClientCredentials', 'AccessToken']) {
    await redis.copy(keyOf(from, 'ClientCredentials'), keyOf(to, kind));
    expect((await call(world.gateways[0], 'phantom', to)).status).toBe(401);
    expect(await introspect(world, to)).toEqual({ active: false });
  }
  const { tokens } = await signIn(world, { style: 'phantom' });
  await redis.copy(keyOf(tokens.access_token, 'AccessToken'), keyOf(tokens.access_token, 'RefreshToken'));
  const form = { grant_type: 'refresh_token', refresh_token: tokens.access_token, client_id: 'demo-web' };
  expect(await redeem(form)).toBe('invalid_grant');
  // The attacker holds both tokens, and replaces the record of the one with few scopes with that of the other.
  const [small, large] = [await serviceToken(world, 'phantom'), await serviceToken(world, 'phantom', 'read write')];
  await redis.copy(keyOf(large, 'ClientCredentials'), keyOf(small, 'ClientCredentials'), 'REPLACE');
  expect((await call(world.gateways[0], 'phantom', small, { method: 'POST' })).status).toBe(401);
  expect((await call(world.gateways[0], 'phantom', large, { method: 'POST' })).status).toBe(200);
});

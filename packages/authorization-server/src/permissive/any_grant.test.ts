import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser, follow, open, submit } from '@tallystick/testing/sign_in';
import { decodeJwt, generateKeyPair, SignJWT } from 'jose';
import { resourceOf, STYLES, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
const CIBA = 'urn:openid:params:grant-type:ciba';

let server: TestServer;
let strict: TestServer;
beforeAll(async () => {
  strict = await startTestServer();
  server = await startTestServer((config) => ({
    ...config,
    permissive: true,
    permissiveUser: 'johndoe',
    clients: [
      ...config.clients,
      testClient({ id: 'legacy', secret: 'legacy-secret', grants: ['password'] }),
      testClient({ id: 'exchanger', secret: 'exchanger-secret', grants: ['token_exchange'], tokenExchange: {} }),
    ],
    users: [...config.users, { id: 'carol', password: 'right', claims: {} }],
  }));
});
afterAll(async () => {
  await server?.stop();
  await strict?.stop();
});

interface Answer {
  readonly status: number;
  readonly access_token: string;
  readonly error?: string;
  readonly [name: string]: unknown;
}

type Headers = Record<string, string>;

async function post(path: string, body: Record<string, string> | string, headers: Headers = {}, at = server) {
  const encoded = typeof body === 'string' ? body : new URLSearchParams(body);
  const answer = await fetch(at.issuer + path, { method: 'POST', body: encoded, headers });
  const text = await answer.text();
  return { status: answer.status, ...(text === '' ? {} : JSON.parse(text)) } as Answer;
}

const basic = (credentials: string) => ({ Authorization: `Basic ${btoa(credentials)}` });
const token = (fields: Record<string, string>, headers?: Headers, at = server) =>
  post('/token', { client_id: 'any-app', ...fields }, headers, at);

/** A JWT that no server here can verify. */
async function foreignJwt(claims: Record<string, unknown> = {}) {
  const { privateKey } = await generateKeyPair('ES256');
  return new SignJWT({ iss: 'https://idp.example.com', sub: 'dave', scope: 'mail', ...claims })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(privateKey);
}

const own = async (fields: Record<string, string> = {}) =>
  (await token({ grant_type: 'client_credentials', audience: 'first', scope: 'a b', ...fields })).access_token;
const exchange = (subjectToken: string, fields: Record<string, string> = {}) =>
  token({
    grant_type: `${GRANT}token-exchange`,
    subject_token: subjectToken,
    subject_token_type: `${TOKEN_TYPE}access_token`,
    ...fields,
  });
const assert = (assertion: string, fields: Record<string, string> = {}) =>
  token({ grant_type: `${GRANT}jwt-bearer`, assertion, ...fields });

describe('an unknown client', () => {
  test('uses the password grant with any user and any password', async () => {
    const request = {
      grant_type: 'password',
      username: 'someone',
      password: 'x',
      scope: 'any thing',
      audience: 'an api',
    };
    const answer = await token(request);
    expect(answer).toMatchObject({ status: 200, scope: 'any thing' });
    expect(decodeJwt(answer.access_token)).toMatchObject({ sub: 'someone', aud: 'an api', client_id: 'any-app' });
    expect((await token(request, {}, strict)).status).toBeGreaterThanOrEqual(400);
  });

  test('needs the password of a user who has one', async () => {
    const request = { grant_type: 'password', username: 'carol' };
    expect(await token({ ...request, password: 'wrong' })).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await token({ ...request, password: 'right' })).toMatchObject({ status: 200 });
  });

  test('signs no client in as a user', async () => {
    const answer = await token({ grant_type: 'password', username: 'service', password: 'x' });
    expect(answer).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  test('uses the jwt-bearer grant with an assertion of any issuer, any number of times', async () => {
    const assertion = await foreignJwt();
    for (let time = 0; time < 2; time++) {
      const answer = await assert(assertion, { audience: 'an api', scope: 'x' });
      expect(answer).toMatchObject({ status: 200, scope: 'x' });
      expect(decodeJwt(answer.access_token)).toMatchObject({ sub: 'dave', aud: 'an api' });
    }
  });

  test('exchanges a token of any issuer', async () => {
    const answer = await exchange(await foreignJwt(), { audience: 'an api' });
    expect(answer).toMatchObject({ status: 200, scope: 'mail', issued_token_type: `${TOKEN_TYPE}access_token` });
    expect(decodeJwt(answer.access_token)).toMatchObject({ sub: 'dave', aud: 'an api' });
  });

  test.each(['default', 'an api', 'https://other.example.com/'])(
    'exchanges its token for %s for another one',
    async (name) => {
      const answer = await exchange(await own({ audience: name }), { audience: 'second', scope: 'a c' });
      expect(answer).toMatchObject({ status: 200, scope: 'a c' });
      expect(decodeJwt(answer.access_token).aud).toBe('second');
    },
  );

  test('exchanges a token of a typed-in user, whom the new token is about', async () => {
    const { access_token: subject } = await token({ grant_type: 'password', username: 'erin', password: 'x' });
    const answer = await exchange(subject, { audience: 'second' });
    expect(decodeJwt(answer.access_token)).toMatchObject({ sub: 'erin', aud: 'second' });
  });

  test.each<[string, () => Promise<string>]>([
    ['has expired', () => foreignJwt({ exp: 1 })],
    ['is not valid yet', () => foreignJwt({ nbf: Date.now() / 1000 + 600 })],
    ['has no sub', () => foreignJwt({ sub: undefined })],
    ['has the sub of a client', () => foreignJwt({ sub: 'service' })],
    ['only claims to be from this issuer', () => foreignJwt({ iss: server.issuer })],
  ])('cannot use a JWT that %s', async (_what, make) => {
    const jwt = await make();
    expect(await exchange(jwt)).toMatchObject({ status: 400, error: 'invalid_request' });
    expect(await assert(jwt)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  test('cannot exchange a revoked token', async () => {
    const subject = await own({ audience: resourceOf('phantom') });
    expect(await exchange(subject, { audience: 'x' })).toMatchObject({ status: 200 });
    await post('/token/revocation', { token: subject, client_id: 'any-app' });
    expect(await exchange(subject, { audience: 'x' })).toMatchObject({ status: 400 });
  });

  test('gets a token through the device flow, for any user', async () => {
    const started = await post('/device/auth', {
      client_id: 'any-tv',
      scope: 'openid any',
      resource: 'https://any.example.com/',
    });
    const browser = createBrowser(server);
    const input = await open(browser, `${server.issuer}/device`);
    const confirm = await submit(browser, input.text, { user_code: String(started.user_code) });
    expect(String(await follow(server, browser, await submit(browser, confirm.text), {}))).toContain(
      'Device connected',
    );
    const redeemed = await token({
      grant_type: `${GRANT}device_code`,
      device_code: String(started.device_code),
      client_id: 'any-tv',
    });
    expect(redeemed).toMatchObject({ status: 200, scope: expect.stringContaining('any') });
    expect(decodeJwt(redeemed.access_token)).toMatchObject({ sub: 'johndoe', aud: 'https://any.example.com/' });
  });

  test('gets a token through CIBA, for any user', async () => {
    const started = await post('/backchannel', { client_id: 'any-bank', scope: 'openid any', login_hint: 'frank' });
    await server.backchannelRequests.approve(String(started.auth_req_id));
    const redeemed = await token({ grant_type: CIBA, auth_req_id: String(started.auth_req_id), client_id: 'any-bank' });
    expect(redeemed).toMatchObject({ status: 200 });
    expect(decodeJwt(redeemed.access_token)).toMatchObject({ sub: 'frank' });
    expect(
      (await post('/backchannel', { client_id: 'any-bank', scope: 'openid', login_hint: 'frank' }, {}, strict)).status,
    ).toBe(401);
  });

  test.each(STYLES)('introspects tokens of the style %s, with any secret', async (style) => {
    const subject = await own({ audience: resourceOf(style), scope: 'a' });
    const request = { token: subject };
    expect(await post('/token/introspection', request, basic('any-api:any'))).toMatchObject({
      active: true,
      scope: 'a',
    });
    expect(await post('/token/introspection', { ...request, client_id: 'any-api' })).toMatchObject({ active: true });
  });

  test('revokes its own tokens only', async () => {
    const subject = await own({ audience: resourceOf('opaque') });
    const isActive = async () => (await post('/token/introspection', { token: subject, client_id: 'x' })).active;
    await post('/token/revocation', { token: subject, client_id: 'another-app' });
    expect(await isActive()).toBe(true);
    await post('/token/revocation', { token: subject, client_id: 'any-app' });
    expect(await isActive()).toBe(false);
  });
});

test('issues a token without a flow for any client, user, audience and scope', async () => {
  const request = { client: 'any-app', user: 'gina', api: 'any api', scopes: ['anything'], claims: { tid: 'default' } };
  const { accessToken } = await server.issueToken(request);
  expect(decodeJwt(accessToken)).toMatchObject({ sub: 'gina', aud: 'any api', scope: 'anything', tid: 'default' });
  await expect(server.issueToken({ ...request, user: 'service' })).rejects.toMatchObject({ path: 'user' });
  await expect(server.issueToken({ ...request, client: 'legacy' })).rejects.toMatchObject({ path: 'scopes[0]' });
  await expect(strict.issueToken(request)).rejects.toMatchObject({ path: 'client' });
});

describe('a configured client keeps its rules', () => {
  test.each([
    [
      'token exchange',
      'exchanger',
      { grant_type: `${GRANT}token-exchange`, subject_token_type: `${TOKEN_TYPE}access_token` },
      'invalid_request',
    ],
    ['the password grant', 'legacy', { grant_type: 'password', username: 'someone', password: 'x' }, 'invalid_grant'],
    ['another grant', 'legacy', { grant_type: 'client_credentials' }, 'unauthorized_client'],
  ])('%s', async (_what, id, fields, error) => {
    const request = { ...fields, subject_token: await own() };
    expect(await post('/token', request, basic(`${id}:${id}-secret`))).toMatchObject({ status: 400, error });
  });

  test('introspection', async () => {
    const subject = await own();
    expect(await post('/token/introspection', { token: subject }, basic('legacy:legacy-secret'))).toMatchObject({
      active: false,
    });
  });
});

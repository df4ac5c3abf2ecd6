import { describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { type SignInAttempt, type SignInDecision, startTallystick, type Upstream } from 'tallystick';
import { requirement } from '../requirements/index.ts';

const resource = 'https://orders.example';
const app: Upstream = (request, response) =>
  response.end(String(request.headers.authorization).slice('Bearer '.length));

describe.each(['jwt', 'phantom', 'split'] as const)('in the style %s', (accessTokens) => {
  test(requirement('library-hooks', 'access tokens'), async () => {
    const tally = await startForTest(
      startTallystick({
        log: { level: 'silent' },
        apis: [{ resource, accessTokens, scopes: ['read'], upstream: app }],
      }),
    );
    const remove = tally.hooks.accessToken(({ header, payload }) => {
      header.x = 1;
      payload.tier = 'gold';
    });
    const received = await (await tally.fetch('/', { as: 'alice' })).text();
    expect([decodeProtectedHeader(received), decodeJwt(received)]).toMatchObject([
      { x: 1 },
      { tier: 'gold', sub: 'alice' },
    ]);
    const { accessToken } = await tally.signIn({ user: 'bob' });
    expect(decodeJwt(await (await tally.fetch('/', { token: accessToken })).text())).toMatchObject({ tier: 'gold' });
    remove();
    expect(decodeJwt(await (await tally.fetch('/', { as: 'alice', newToken: true })).text())).not.toHaveProperty(
      'tier',
    );
  });
});

test(requirement('library-hooks', 'answers'), async () => {
  const tally = await startForTest(startTallystick({ log: { level: 'silent' }, apis: [{ resource, upstream: app }] }));
  tally.hooks.answer('userinfo', (body, { status }) => ({ ...body, nickname: 'Al', status }));
  const userinfo = async () => {
    const { accessToken } = await tally.signIn({ user: 'alice', scopes: ['openid'] });
    const answer = await fetch(`${tally.issuer}/me`, { headers: { Authorization: `Bearer ${accessToken}` } });
    return answer.json();
  };
  expect(await userinfo()).toEqual({ sub: 'alice', nickname: 'Al', status: 200 });
  await tally.reset();
  expect(await userinfo()).toEqual({ sub: 'alice' });
  expect(() => tally.hooks.answer('nothing' as never, (body) => body)).toThrow('expected');
});

/** One client that shows the login page, and one that does without. */
const clients = [
  { id: 'app', redirectUris: ['http://localhost/callback'] },
  { id: 'automatic', redirectUris: ['http://localhost/callback'], automaticLogin: { user: 'alice' } },
].map((client) => ({ ...client, secret: 'a secret of a test', grants: ['authorization_code' as const] }));
const start = () =>
  startForTest(
    startTallystick({
      log: { level: 'silent' },
      controlApi: { enabled: true },
      clients,
      users: [{ id: 'alice' }],
      apis: [{ resource, accessTokens: 'phantom', scopes: ['read'], upstream: app }],
    }),
  );

test(requirement('library-hooks', 'ID tokens'), async () => {
  const tally = await start();
  const remove = tally.hooks.idToken(({ header, payload }) => {
    header.x = 1;
    Object.assign(payload, { tier: 'gold', nonce: 'wrong', seen: payload.aud });
  });
  const { idToken = '' } = await tally.signIn({ user: 'alice' });
  const keys = createRemoteJWKSet(new URL(`${tally.issuer}/jwks`));
  const { payload, protectedHeader } = await jwtVerify(idToken, keys, { issuer: tally.issuer, audience: 'app' });
  expect(payload).toMatchObject({ sub: 'alice', tier: 'gold', nonce: 'wrong', seen: 'app' });
  expect(protectedHeader).toMatchObject({ x: 1 });
  remove();
  expect(decodeJwt(await tally.idToken({ user: 'alice' }))).not.toHaveProperty('tier');
});

describe.each(['app', 'automatic'])('sign-ins of the client %s', (client) => {
  test(requirement('library-hooks', 'allows a sign-in, or chooses another user and claims'), async () => {
    const tally = await start();
    const attempts: SignInAttempt[] = [];
    tally.hooks.signIn((attempt) => void attempts.push(attempt));
    tally.hooks.signIn(async ({ claims }) => ({ user: 'zoe', claims: { ...claims, tier: 'gold' } }));
    tally.hooks.signIn((attempt) => void attempts.push(attempt));
    const { accessToken, idToken = '' } = await tally.signIn({ client, user: 'alice' });
    const attempt = { user: 'alice', claims: {}, client, scopes: ['openid', 'read'], apis: [resource] };
    expect(attempts).toEqual([attempt, { ...attempt, user: 'zoe', claims: { tier: 'gold' } }]);
    expect(decodeJwt(idToken)).toMatchObject({ sub: 'zoe' });
    const received = await (await tally.fetch('/', { token: accessToken })).text();
    expect(decodeJwt(received)).toMatchObject({ sub: 'zoe', tier: 'gold' });
    await tally.reset();
    expect(decodeJwt(await tally.idToken({ client, user: 'alice' }))).toMatchObject({ sub: 'alice' });
  });

  test(requirement('library-hooks', 'refuses a sign-in'), async () => {
    const tally = await start();
    tally.hooks.signIn(({ user }) =>
      user === 'alice' ? { error: 'access_denied', errorDescription: 'alice is locked' } : undefined,
    );
    await expect(tally.signIn({ client })).rejects.toMatchObject({
      code: 'access_denied',
      message: 'access_denied: alice is locked',
    });
  });

  test.each<[string, () => unknown, string]>([
    ['throws', () => Promise.reject(new Error('no "luck"\n')), "no 'luck''"],
    ['returns no decision', () => false, 'expected nothing, { error } or { user, claims }; found false'],
    ['returns an error that is not text', () => ({ error: 5 }), 'expected an error of ASCII'],
    ['returns an error with a quote', () => ({ error: '"' }), 'expected an error of ASCII'],
    ['returns a description with a line break', () => ({ error: 'e', errorDescription: '\n' }), 'error description of'],
    ['returns a client as the user', () => ({ user: 'app' }), 'expected a user name'],
    ['returns a number as the user', () => ({ user: 7 }), 'expected the user to be a text'],
    ['returns claims of the server', () => ({ claims: { iss: 'x' } }), 'iss is set by the server'],
    ['returns claims that are not JSON', () => ({ claims: { big: 1n } }), 'BigInt'],
    ['returns a list as the claims', () => ({ claims: [] }), 'expected the claims to be an object'],
  ])(requirement('library-hooks', 'the client gets an error if the function %s'), async (_name, decide, expected) => {
    const tally = await start();
    tally.hooks.signIn(decide as () => SignInDecision);
    await expect(tally.signIn({ client })).rejects.toMatchObject({
      code: 'server_error',
      message: expect.stringContaining(expected) as unknown,
    });
  });
});

test(requirement('library-hooks', 'refuses a sign-in without a page at a permissive issuer'), async () => {
  const tally = await startForTest(
    startTallystick({ log: { level: 'silent' }, permissive: true, permissiveUser: 'ann' }),
  );
  tally.hooks.signIn(({ user, client }) => ({ error: 'access_denied', errorDescription: `${user} at ${client}` }));
  await expect(tally.signIn({ client: 'any' })).rejects.toMatchObject({ message: 'access_denied: ann at any' });
  await tally.tenants.create({ id: 'other' });
  await expect(tally.tenants.get('other').signIn({ user: 'bob' })).resolves.toHaveProperty('idToken');
});

test(requirement('library-hooks', 'failures of a function are answers without a status of 500'), async () => {
  const tally = await start();
  const fail = () => {
    throw new Error('no luck');
  };
  const refused = { code: 'server_error', message: expect.stringContaining('of the test failed: no luck') as unknown };
  tally.hooks.idToken(fail);
  await expect(tally.signIn()).rejects.toMatchObject(refused);
  tally.hooks.clear();
  tally.hooks.idToken(({ header }) => Object.assign(header, { alg: 'none' }));
  await expect(tally.signIn()).rejects.toMatchObject({ code: 'server_error' });
  tally.hooks.clear();
  tally.hooks.answer('token', fail);
  await expect(tally.signIn()).rejects.toMatchObject(refused);
  tally.hooks.clear();
  const { accessToken } = await tally.signIn();
  tally.hooks.accessToken(fail);
  await expect(tally.token({ user: 'alice' })).rejects.toMatchObject(refused);
  const overHttp = await fetch(`${tally.controlUrl}/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"user":"alice"}',
  });
  expect([overHttp.status, await overHttp.json()]).toMatchObject([422, { error: 'server_error' }]);
  // The gateway needs the JWT, which the authorization server cannot make.
  const answer = await tally.fetch('/', { token: accessToken });
  expect(answer.status).toBe(502);
  expect(tally.requests.list({ server: 'authorization-server' }).filter(({ status = 0 }) => status >= 500)).toEqual([]);
});

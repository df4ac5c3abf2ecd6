import { beforeAll, describe, expect, test } from '@jest/globals';
import { serve } from '@tallystick/testing/serve';
import { type CryptoKey, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { resourceOf, STYLES } from '../testing/test_server.ts';
import { client, startForTokenRequests, type TokenRequests } from '../testing/token_requests.ts';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ISSUER = 'https://idp.example.com';

let keys: { readonly privateKey: CryptoKey; readonly jwks: { keys: object[] } };
beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  keys = { privateKey, jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'idp' }] } };
});

const start = (trusted: object = { jwks: keys.jwks }) =>
  startForTokenRequests(() => ({
    clients: [client({ id: 'partner', grants: ['jwt_bearer'] })],
    trustedIssuers: [{ issuer: ISSUER, algorithms: ['ES256'], ...trusted }],
  }));

interface Assertion {
  readonly claims?: Record<string, unknown>;
  readonly header?: object;
  readonly key?: CryptoKey | Uint8Array;
}

function sign({ config }: TokenRequests, { claims, header, key = keys.privateKey }: Assertion = {}) {
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: ISSUER, sub: 'alice', aud: config.issuer, iat: now, exp: now + 60, jti: crypto.randomUUID() };
  return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'idp', ...header }).sign(key);
}

function redeem(server: TokenRequests, assertion: string, changed: Record<string, string> = {}) {
  return server.token('partner', { grant_type: GRANT_TYPE, assertion, resource: resourceOf('jwt'), ...changed });
}

describe('an assertion of a trusted issuer', () => {
  test.each(STYLES)('gets a %s token for its user', async (style) => {
    const server = await start();
    const answer = await redeem(server, await sign(server), { resource: resourceOf(style), scope: 'read' });
    expect(answer).toMatchObject({ status: 200, scope: 'read', expires_in: 300 });
    const jwt = style === 'jwt' ? answer.access_token : await server.jwtOf(answer.access_token);
    expect(decodeJwt(jwt)).toMatchObject({ sub: 'alice', client_id: 'partner', email: 'alice@example.com' });
  });

  test('may have the token endpoint among its audiences', async () => {
    const server = await start();
    const aud = ['https://other.example.com', `${server.config.issuer}/token`];
    expect(await redeem(server, await sign(server, { claims: { aud } }))).toMatchObject({ status: 200 });
  });

  test('may have an explicit type', async () => {
    const server = await start();
    const header = { typ: 'authorization-grant+jwt' };
    expect(await redeem(server, await sign(server, { header }))).toMatchObject({ status: 200 });
  });

  test('identifies users by the configured subjects', async () => {
    const server = await start({ jwks: keys.jwks, subjects: { 'a-1234': 'alice' } });
    const answer = await redeem(server, await sign(server, { claims: { sub: 'a-1234' } }));
    expect(decodeJwt(answer.access_token).sub).toBe('alice');
    expect(await redeem(server, await sign(server))).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  test('is verified with keys from a URL, and gets 503 while they are unavailable', async () => {
    const idp = await serve((_request, response) => response.end(JSON.stringify(keys.jwks)));
    const jwksUri = `${idp.origin}/jwks`;
    const server = await start({ jwksUri });
    const later = await start({ jwksUri });
    expect(await redeem(server, await sign(server))).toMatchObject({ status: 200 });
    await idp.stop();
    expect(await redeem(later, await sign(later))).toMatchObject({ status: 503, error: 'temporarily_unavailable' });
    expect(later.warnings).toEqual(['refused: the keys of the trusted issuer are not available']); // The log does not blame the store.
  });
});

describe('an assertion is accepted once', () => {
  test.each([
    ['with a jti', {}],
    ['without a jti', { jti: undefined }],
  ])('%s', async (_what, claims) => {
    const server = await start();
    const assertion = await sign(server, { claims });
    const answers = await Promise.all(Array.from({ length: 5 }, () => redeem(server, assertion)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
    expect(await redeem(server, assertion)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  test('also if it is signed again with the same jti', async () => {
    const server = await start();
    const claims = { jti: 'one' };
    expect(await redeem(server, await sign(server, { claims }))).toMatchObject({ status: 200 });
    expect(await redeem(server, await sign(server, { claims }))).toMatchObject({ error: 'invalid_grant' });
  });

  test('but a request that is refused for another reason does not consume it', async () => {
    const server = await start();
    const assertion = await sign(server);
    expect(await redeem(server, assertion, { scope: 'admin' })).toMatchObject({ error: 'invalid_scope' });
    expect(await redeem(server, assertion)).toMatchObject({ status: 200 });
  });
});

const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow;

const bad: [string, () => Assertion | Promise<Assertion>][] = [
  ['of an issuer that is not trusted', () => ({ claims: { iss: 'https://evil.example.com' } })],
  ['with another audience', () => ({ claims: { aud: 'https://other.example.com' } })],
  ['without an audience', () => ({ claims: { aud: undefined } })],
  ['that has expired', () => ({ claims: { exp: seconds(-60) } })],
  ['that never expires', () => ({ claims: { exp: undefined } })],
  ['that is valid for days', () => ({ claims: { exp: seconds(86_400) } })],
  ['that is not valid yet', () => ({ claims: { nbf: seconds(60) } })],
  ['with an iat in the future', () => ({ claims: { iat: seconds(60) } })],
  ['without a subject', () => ({ claims: { sub: undefined } })],
  ['with an unknown subject', () => ({ claims: { sub: 'mallory' } })],
  ['with the name of an inherited property as its subject', () => ({ claims: { sub: 'constructor' } })],
  ['that is an access token', () => ({ header: { typ: 'at+jwt' } })],
  ['signed by another key', async () => ({ key: (await generateKeyPair('ES256')).privateKey })],
  ['signed with a secret', () => ({ header: { alg: 'HS256' }, key: new Uint8Array(32) })],
];

test.each(bad)('an assertion %s is refused', async (_what, make) => {
  const server = await start();
  const assertion = await sign(server, await make());
  const answer = await redeem(server, assertion);
  expect(answer).toMatchObject({ status: 400, error: 'invalid_grant', error_description: expect.any(String) });
  expect(answer.error_description).not.toContain('mallory');
});

test.each([
  ['text that is not a JWT', 'nonsense', 'invalid_grant'],
  ['an unsigned JWT', `${btoa('{"alg":"none"}')}.${btoa(`{"iss":"${ISSUER}"}`)}.`, 'invalid_grant'],
  ['an empty string', '', 'invalid_request'],
])('%s for an assertion is refused', async (_what, assertion, error) => {
  expect(await redeem(await start(), assertion)).toMatchObject({ status: 400, error });
});

test('an algorithm that is not configured is refused', async () => {
  const server = await start({ jwks: keys.jwks, algorithms: ['RS256'] });
  expect(await redeem(server, await sign(server))).toMatchObject({ status: 400, error: 'invalid_grant' });
});

import { generateKeyPairSync } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { IntrospectionConfig } from '../config/issuer_config.ts';
import { createSigningKey, issuer } from '../testing/authorization_server.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { createProver } from '../testing/prover.ts';

const token = 'r'.repeat(43);
const own = 'https://gateway.example.com';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = { ...privateKey.export({ format: 'jwk' }), kid: 'own-1', alg: 'ES256' };

let fixture: GatewayFixture;
afterEach(() => fixture.stop());

async function build(introspection: IntrospectionConfig) {
  fixture = await startGatewayFixture(({ publicUrl: _, ...config }) => ({
    ...config,
    introspection,
    ownJwts: { issuer: own, signingKey },
  }));
}

const seconds = () => Math.floor(fixture.clock.time / 1000);

/** What a proper answer says of the token. */
const active = (changes: object = {}) => ({
  active: true,
  iss: issuer,
  sub: 'alice',
  client_id: 'web',
  aud: api('phantom'),
  scope: 'read',
  token_type: 'Bearer',
  exp: seconds() + 100,
  ...changes,
});

const call = () => fixture.call('/phantom', token);
const given = () => fixture.upstream.seen.map(({ headers }) => String(headers.authorization).replace('Bearer ', ''));

/** Verifies, with the keys that the gateway publishes, what the API was given. */
async function verifiedJwt() {
  const jwks = (await (await fetch(`${fixture.origin}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
  const expected = { issuer: own, audience: api('phantom'), typ: 'at+jwt', currentDate: new Date(fixture.clock.time) };
  return jwtVerify(given().at(-1) ?? '', createLocalJWKSet(jwks), expected);
}

/** Answers about tokens that must not get through: what the answer says, the status, and who is to blame. */
const refused: [string, () => unknown, number][] = [
  ['is not active', () => ({ active: false }), 401],
  ['has expired', () => active({ exp: 1_000_000_000 }), 401],
  ['is not valid yet', () => active({ nbf: seconds() + 60 }), 401],
  ['is for another API', () => active({ aud: api('other') }), 401],
  ['is for other APIs', () => active({ aud: [api('other'), api('split')] }), 401],
  ['is for nobody in particular', () => active({ aud: undefined }), 401],
  ['is of another type', () => active({ token_type: 'N_A' }), 401],
  ['is a refresh token of Duende’s', () => active({ token_type: 'refresh_token' }), 401],
  ['is a refresh token of Hydra’s', () => active({ token_use: 'refresh_token' }), 401],
  ['is an ID token of Keycloak’s', () => active({ typ: 'ID' }), 401],
  ['lacks the scope', () => active({ scope: 'write' }), 403],
  ['is of another issuer', () => active({ iss: 'https://other.example.com' }), 502],
  ['is nobody’s', () => active({ sub: undefined, client_id: undefined }), 502],
  ['has no verdict', () => active({ active: undefined }), 502],
  ['has "true" for a verdict', () => active({ active: 'true' }), 502],
  ['has 1 for a verdict', () => active({ active: 1 }), 502],
  ['has a text for exp', () => active({ exp: String(seconds() + 100) }), 502],
  ['has a text for nbf', () => active({ nbf: 'now' }), 502],
  ['has a number for sub', () => active({ sub: 7 }), 502],
  ['has an empty client_id', () => active({ client_id: '' }), 502],
  ['has numbers for scopes', () => active({ scope: [7] }), 502],
  ['has an object for aud', () => active({ aud: {} }), 502],
  ['has a text for cnf', () => active({ cnf: 'x' }), 502],
  ['is bound to a key that it does not name', () => active({ token_type: 'DPoP' }), 502],
  ['has a phantom_token that is none', () => active({ phantom_token: 'a.b.c' }), 502],
  ['is a list', () => [active()], 502],
  ['is null', () => null, 502],
];

function expectRefusal(response: Response, status: number) {
  expect(response.status).toBe(status);
  expect(response.headers.has('www-authenticate')).toBe(status < 500);
  expect(response.headers.has('retry-after')).toBe(status === 503);
  expect(fixture.upstream.seen).toEqual([]);
}

describe('Behind any RFC 7662 server', () => {
  let answer: unknown;
  let cacheControl: string | undefined;
  const json = (response: ServerResponse) => {
    if (cacheControl !== undefined) response.setHeader('Cache-Control', cacheControl);
    response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(answer));
  };
  beforeEach(async () => {
    await build({ accept: 'application/json' });
    answer = active();
    cacheControl = undefined;
    fixture.authorizationServer.onIntrospection = json;
  });

  test('the API gets a JWT that the gateway made and whose keys it publishes (RFC 9068)', async () => {
    answer = active({ nbf: seconds() - 1, role: 'admin', acr: 'high', username: 'alice@example.com' });
    expect((await call()).status).toBe(200);
    expect(fixture.authorizationServer.introspections[0]?.headers.accept).toBe('application/json');
    const { payload, protectedHeader } = await verifiedJwt();
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'own-1' });
    const { jti, ...claims } = payload;
    const said = { sub: 'alice', client_id: 'web', scope: 'read', role: 'admin', acr: 'high', exp: seconds() + 100 };
    expect(claims).toEqual({ iss: own, aud: [api('phantom')], iat: seconds(), ...said });
    expect(jti).toMatch(/^[\w-]{36}$/);
  });

  test('the published keys are public', async () => {
    const { keys } = (await (await fetch(`${fixture.origin}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
    expect(keys).toHaveLength(1);
    expect(keys[0]).not.toHaveProperty('d');
  });

  test('the JWT lives no longer than five minutes, and a token without exp no longer than that', async () => {
    for (const exp of [undefined, seconds() + 100_000]) {
      answer = active({ exp });
      expect((await call()).status).toBe(200);
      expect((await verifiedJwt()).payload.exp).toBe(seconds() + 300);
    }
  });

  test('a client that acts for itself is its own subject', async () => {
    answer = active({ sub: undefined });
    expect((await call()).status).toBe(200);
    expect((await verifiedJwt()).payload).toMatchObject({ sub: 'web', client_id: 'web' });
  });

  test('the client-held token is in no claim, wherever the answer quotes it', async () => {
    answer = active({ jti: token, access_token: token, nested: { deep: [`x${token}`] } });
    expect((await call()).status).toBe(200);
    expect(JSON.stringify((await verifiedJwt()).payload)).not.toContain(token);
  });

  test('a token for the gateway’s client is for the APIs behind it', async () => {
    answer = active({ aud: ['gateway', 'else'] });
    expect((await call()).status).toBe(200);
    expect((await verifiedJwt()).payload.aud).toEqual([api('phantom')]);
  });

  test('a bound token is good with a proof only, and bound in the JWT too (RFC 9449)', async () => {
    const prover = await createProver(() => fixture.clock.time);
    answer = active({ cnf: prover.cnf, token_type: 'DPoP' });
    expectRefusal(await call(), 401);
    const headers = {
      Authorization: `DPoP ${token}`,
      DPoP: await prover.proof(`${fixture.origin}/phantom`, token),
    };
    expect((await fixture.call('/phantom', undefined, { headers })).status).toBe(200);
    expect((await verifiedJwt()).payload.cnf).toEqual(prover.cnf);
  });

  test('a JWT in the answer is taken and validated like any', async () => {
    const jwt = await fixture.authorizationServer.issue({ aud: api('phantom') });
    answer = active({ phantom_token: jwt });
    expect((await call()).status).toBe(200);
    expect(given()).toEqual([jwt]);
  });

  test.each([
    ['of another issuer', { iss: 'https://other.example.com' }, 502],
    ['for another API', { aud: api('other') }, 401],
  ])('a JWT in the answer that is %s is refused', async (_, claims, status) => {
    answer = active({ phantom_token: await fixture.authorizationServer.issue({ aud: api('phantom'), ...claims }) });
    expectRefusal(await call(), status);
  });

  test.each(refused)('a token is refused that %s', async (_, say, status) => {
    answer = say();
    expectRefusal(await call(), status);
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ['a JWT', (response) => response.writeHead(200, { 'Content-Type': 'application/jwt' }).end('{"active":true}')],
    ['HTML', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('{"active":true}')],
    ['half of it', (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"active":tr')],
    ['nothing', (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end()],
  ])('an answer that is %s is 502', async (_, respond) => {
    fixture.authorizationServer.onIntrospection = respond;
    expectRefusal(await call(), 502);
  });

  test('an answer is cached as it says', async () => {
    cacheControl = 'max-age=60';
    await call();
    await call();
    cacheControl = 'no-store';
    fixture.clock.time += 60_000;
    await call();
    await call();
    expect(fixture.cacheLevels()).toEqual(['miss', 'hit', 'miss', 'miss']);
    expect(new Set(given()).size).toBe(3);
  });

  test('what the gateway made is dropped from the cache by a revocation like any JWT', async () => {
    cacheControl = 'max-age=60';
    await call();
    answer = { active: false };
    fixture.store.revoke(token);
    expect((await call()).status).toBe(401);
  });

  test('what is configured decides how long, where it says no-store', async () => {
    await fixture.stop();
    await build({ accept: 'application/json', maxAge: 30 });
    fixture.authorizationServer.onIntrospection = json;
    cacheControl = 'no-store';
    answer = active();
    await call();
    fixture.clock.time += 29_000;
    await call();
    fixture.clock.time += 1_000;
    await call();
    expect(fixture.cacheLevels()).toEqual(['miss', 'hit', 'miss']);
  });

  test('an answer without an audience is enough where that is configured, if it says that it is an access token', async () => {
    await fixture.stop();
    await build({ accept: 'application/json', audience: 'optional' });
    fixture.authorizationServer.onIntrospection = json;
    answer = active({ aud: undefined });
    expect((await call()).status).toBe(200);
    // So does a refresh token look.
    answer = active({ aud: undefined, token_type: undefined });
    expect((await call()).status).toBe(401);
    answer = active({ aud: api('other') });
    expect((await call()).status).toBe(401);
  });
});

describe('Behind an authorization server that signs its answers (RFC 9701)', () => {
  const type = 'application/token-introspection+jwt';
  let claims: JWTPayload;
  let options: Parameters<GatewayFixture['authorizationServer']['issue']>[1];
  let contentType: string;

  beforeEach(async () => {
    await build({ accept: type });
    claims = { iss: issuer, aud: 'gateway', token_introspection: active() };
    options = { typ: 'token-introspection+jwt' };
    contentType = type;
    fixture.authorizationServer.onIntrospection = async (response) => {
      const jwt = await fixture.authorizationServer.issue(claims, options);
      response.writeHead(200, { 'Content-Type': contentType }).end(jwt);
    };
  });

  test('the API gets a JWT that the gateway made of what is said in the signed answer', async () => {
    expect((await call()).status).toBe(200);
    expect(fixture.authorizationServer.introspections[0]?.headers.accept).toBe(type);
    expect((await verifiedJwt()).payload).toMatchObject({ sub: 'alice', client_id: 'web', scope: 'read' });
  });

  test.each(refused)('a token is refused that %s', async (_, say, status) => {
    claims = { ...claims, token_introspection: say() };
    expectRefusal(await call(), status);
  });

  test.each<[string, () => unknown]>([
    ['of another issuer', () => Object.assign(claims, { iss: 'https://other.example.com' })],
    ['for another client', () => Object.assign(claims, { aud: 'other' })],
    ['for nobody', () => Object.assign(claims, { aud: undefined })],
    ['of another type', () => Object.assign(options ?? {}, { typ: 'at+jwt' })],
    ['of no type', () => Object.assign(options ?? {}, { typ: 'JWT' })],
    ['an old one', () => Object.assign(claims, { iat: seconds() - 120 })],
    ['of no time', () => Object.assign(claims, { iat: undefined })],
    ['of the future', () => Object.assign(claims, { iat: seconds() + 120 })],
    ['without what it is about', () => Object.assign(claims, { token_introspection: undefined, active: true })],
    ['called something else', () => (contentType = 'application/jwt')],
  ])('an answer is not believed that is %s', async (_, change) => {
    change();
    expectRefusal(await call(), 502);
  });

  test('an answer is not believed that somebody else signed', async () => {
    options = { ...options, key: await createSigningKey('key-1') };
    expectRefusal(await call(), 502);
  });

  test('an answer is not believed that nobody signed', async () => {
    const payload = Buffer.from(JSON.stringify({ ...claims, iat: seconds() })).toString('base64url');
    const header = Buffer.from('{"alg":"none","typ":"token-introspection+jwt"}').toString('base64url');
    fixture.authorizationServer.onIntrospection = (response) =>
      response.writeHead(200, { 'Content-Type': type }).end(`${header}.${payload}.`);
    expectRefusal(await call(), 502);
  });

  test('its signed answer is no access token (RFC 9701 section 8.1)', async () => {
    const signed = await fixture.authorizationServer.issue({ ...claims, aud: api('jwt') }, options);
    expect((await fixture.call('/jwt', signed)).status).toBe(401);
    expect(fixture.upstream.seen).toEqual([]);
  });
});

describe('A gateway that asks for JWTs', () => {
  test('takes no signed introspection answer for one', async () => {
    fixture = await startGatewayFixture();
    const claims = { aud: api('phantom'), token_introspection: { active: true } };
    fixture.authorizationServer.active.set(
      token,
      await fixture.authorizationServer.issue(claims, { typ: 'token-introspection+jwt' }),
    );
    expectRefusal(await call(), 502);
  });

  test('publishes no keys', async () => {
    fixture = await startGatewayFixture();
    expect((await fetch(`${fixture.origin}/.well-known/jwks.json`)).status).toBe(404);
  });
});

test('A JWT that the gateway made is no token for it, not even at a route for the same API whose tokens are JWTs', async () => {
  fixture = await startGatewayFixture(({ routes, ...config }) => ({
    ...config,
    introspection: { accept: 'application/json' },
    ownJwts: { issuer: own, signingKey },
    routes: [...routes, { ...route('jwt', routes[0]?.upstream ?? ''), prefix: '/same', resource: api('phantom') }],
  }));
  fixture.authorizationServer.onIntrospection = (response) =>
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(active()));
  expect((await call()).status).toBe(200);
  const [made] = given();
  expect((await fixture.call('/same', made)).status).toBe(401);
  expect((await fixture.call('/phantom', made)).status).toBe(401);
  expect(fixture.upstream.seen).toHaveLength(1);
});

import { generateKeyPairSync } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createProver } from '@tallystick/testing/dpop_prover';
import { createSigningKey } from '@tallystick/testing/signing_key';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { issuer } from '../testing/authorization_server.ts';
import type { GatewayInput } from '../testing/gateway_config.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from '../testing/gateway_fixture.ts';

const token = 'r'.repeat(43);
const own = 'https://gateway.example.com';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'own-1', alg: 'ES256' });

let fixture: GatewayFixture;
afterEach(() => fixture.stop());

async function build(introspection: GatewayInput['introspection']) {
  fixture = await startGatewayFixture(({ publicUrl: _, ...config }) => ({
    ...config,
    introspection,
    ownJwts: { issuer: own, signingKey },
  }));
}

const seconds = () => Math.floor(fixture.clock.time / 1000);

/** A complete introspection answer about an active token. */
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
const jwtsAtApi = () =>
  fixture.upstream.seen.map(({ headers }) => String(headers.authorization).replace('Bearer ', ''));

/** Verifies the JWT that the API got with the keys that the gateway publishes. */
async function verifiedJwt() {
  const jwks = (await (await fetch(`${fixture.origin}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
  const expected = { issuer: own, audience: api('phantom'), typ: 'at+jwt', currentDate: new Date(fixture.clock.time) };
  return jwtVerify(jwtsAtApi().at(-1) ?? '', createLocalJWKSet(jwks), expected);
}

/** Answers about tokens that the gateway must refuse: the case, the answer and the status. */
const refused: [string, () => unknown, number][] = [
  ['is not active', () => ({ active: false }), 401],
  ['has expired', () => active({ exp: 1_000_000_000 }), 401],
  ['is not valid yet', () => active({ nbf: seconds() + 60 }), 401],
  ['is for another API', () => active({ aud: api('other') }), 401],
  ['is for other APIs', () => active({ aud: [api('other'), api('split')] }), 401],
  ['has no audience', () => active({ aud: undefined }), 401],
  ['is of another type', () => active({ token_type: 'N_A' }), 401],
  ['is a refresh token of Duende’s', () => active({ token_type: 'refresh_token' }), 401],
  ['is a refresh token of Hydra’s', () => active({ token_use: 'refresh_token' }), 401],
  ['is an ID token of Keycloak’s', () => active({ typ: 'ID' }), 401],
  ['lacks the scope', () => active({ scope: 'write' }), 403],
  ['is of another issuer', () => active({ iss: 'https://other.example.com' }), 502],
  ['has neither subject nor client', () => active({ sub: undefined, client_id: undefined }), 502],
  ['has no active', () => active({ active: undefined }), 502],
  ['has "true" for active', () => active({ active: 'true' }), 502],
  ['has 1 for active', () => active({ active: 1 }), 502],
  ['has a string for exp', () => active({ exp: String(seconds() + 100) }), 502],
  ['has a string for nbf', () => active({ nbf: 'now' }), 502],
  ['has a number for sub', () => active({ sub: 7 }), 502],
  ['has an empty client_id', () => active({ client_id: '' }), 502],
  ['has numbers for scopes', () => active({ scope: [7] }), 502],
  ['has an object for aud', () => active({ aud: {} }), 502],
  ['has a string for cnf', () => active({ cnf: 'x' }), 502],
  ['is bound to a key that it does not name', () => active({ token_type: 'DPoP' }), 502],
  ['has a malformed phantom_token', () => active({ phantom_token: 'a.b.c' }), 502],
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

  test('the client-held token is in no claim, even if the answer quotes it', async () => {
    answer = active({ jti: token, access_token: token, nested: { deep: [`x${token}`] } });
    expect((await call()).status).toBe(200);
    expect(JSON.stringify((await verifiedJwt()).payload)).not.toContain(token);
  });

  test('a token whose audience is the gateway’s client is accepted for the APIs behind it', async () => {
    answer = active({ aud: ['gateway', 'else'] });
    expect((await call()).status).toBe(200);
    expect((await verifiedJwt()).payload.aud).toEqual([api('phantom')]);
  });

  test('a bound token needs a proof, and its JWT is bound too (RFC 9449)', async () => {
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

  test('a JWT in the answer is validated and used', async () => {
    const jwt = await fixture.authorizationServer.issue({ aud: api('phantom') });
    answer = active({ phantom_token: jwt });
    expect((await call()).status).toBe(200);
    expect(jwtsAtApi()).toEqual([jwt]);
  });

  test.each([
    ['of another issuer', { iss: 'https://other.example.com' }, 502],
    ['for another API', { aud: api('other') }, 401],
  ])('a JWT in the answer that is %s is refused', async (_, claims, status) => {
    answer = active({ phantom_token: await fixture.authorizationServer.issue({ aud: api('phantom'), ...claims }) });
    expectRefusal(await call(), status);
  });

  test.each(refused)('a token is refused when it or its answer %s', async (_, say, status) => {
    answer = say();
    expectRefusal(await call(), status);
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ['a JWT', (response) => response.writeHead(200, { 'Content-Type': 'application/jwt' }).end('{"active":true}')],
    ['HTML', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('{"active":true}')],
    [
      'truncated JSON',
      (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"active":tr'),
    ],
    ['empty', (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end()],
  ])('the client gets 502 for an answer that is %s', async (_, respond) => {
    fixture.authorizationServer.onIntrospection = respond;
    expectRefusal(await call(), 502);
  });

  test('an answer is cached as its Cache-Control says', async () => {
    cacheControl = 'max-age=60';
    await call();
    await call();
    cacheControl = 'no-store';
    fixture.clock.time += 60_000;
    await call();
    await call();
    expect(fixture.cacheLevels()).toEqual(['miss', 'hit', 'miss', 'miss']);
    expect(new Set(jwtsAtApi()).size).toBe(3);
  });

  test('a revocation removes the gateway’s JWT from the cache', async () => {
    cacheControl = 'max-age=60';
    await call();
    answer = { active: false };
    fixture.store.revoke(token);
    expect((await call()).status).toBe(401);
  });

  test('introspection.maxAge overrides no-store', async () => {
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

  test('an answer without an audience is accepted with audience: optional, if it says that the token is an access token', async () => {
    await fixture.stop();
    await build({ accept: 'application/json', audience: 'optional' });
    fixture.authorizationServer.onIntrospection = json;
    answer = active({ aud: undefined });
    expect((await call()).status).toBe(200);
    // A refresh token looks the same.
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

  test('the API gets a JWT that the gateway made from the signed answer', async () => {
    expect((await call()).status).toBe(200);
    expect(fixture.authorizationServer.introspections[0]?.headers.accept).toBe(type);
    expect((await verifiedJwt()).payload).toMatchObject({ sub: 'alice', client_id: 'web', scope: 'read' });
  });

  test.each(refused)('a token is refused when it or its answer %s', async (_, say, status) => {
    claims = { ...claims, token_introspection: say() };
    expectRefusal(await call(), status);
  });

  test.each<[string, () => unknown]>([
    ['of another issuer', () => Object.assign(claims, { iss: 'https://other.example.com' })],
    ['for another client', () => Object.assign(claims, { aud: 'other' })],
    ['without an audience', () => Object.assign(claims, { aud: undefined })],
    ['of another type', () => Object.assign(options ?? {}, { typ: 'at+jwt' })],
    ['of the type JWT', () => Object.assign(options ?? {}, { typ: 'JWT' })],
    ['of two minutes ago', () => Object.assign(claims, { iat: seconds() - 120 })],
    ['without iat', () => Object.assign(claims, { iat: undefined })],
    ['from the future', () => Object.assign(claims, { iat: seconds() + 120 })],
    ['without token_introspection', () => Object.assign(claims, { token_introspection: undefined, active: true })],
    ['with another media type', () => (contentType = 'application/jwt')],
  ])('an answer is not believed that is %s', async (_, change) => {
    change();
    expectRefusal(await call(), 502);
  });

  test('an answer that is signed with another key is not accepted', async () => {
    options = { ...options, key: await createSigningKey('key-1') };
    expectRefusal(await call(), 502);
  });

  test('an unsigned answer is not accepted', async () => {
    const payload = Buffer.from(JSON.stringify({ ...claims, iat: seconds() })).toString('base64url');
    const header = Buffer.from('{"alg":"none","typ":"token-introspection+jwt"}').toString('base64url');
    fixture.authorizationServer.onIntrospection = (response) =>
      response.writeHead(200, { 'Content-Type': type }).end(`${header}.${payload}.`);
    expectRefusal(await call(), 502);
  });

  test('a signed answer is not accepted as an access token (RFC 9701 section 8.1)', async () => {
    const signed = await fixture.authorizationServer.issue({ ...claims, aud: api('jwt') }, options);
    expect((await fixture.call('/jwt', signed)).status).toBe(401);
    expect(fixture.upstream.seen).toEqual([]);
  });
});

describe('A gateway that asks for JWTs', () => {
  test('does not accept a signed introspection answer instead', async () => {
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

test('A JWT that the gateway made is not accepted as a token, not even by a jwt route for the same API', async () => {
  fixture = await startGatewayFixture(({ routes, ...config }) => ({
    ...config,
    introspection: { accept: 'application/json' },
    ownJwts: { issuer: own, signingKey },
    routes: [...routes, { ...route('jwt', routes[0]?.upstream ?? ''), prefix: '/same', api: api('phantom') }],
  }));
  fixture.authorizationServer.onIntrospection = (response) =>
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(active()));
  expect((await call()).status).toBe(200);
  const [made] = jwtsAtApi();
  expect((await fixture.call('/same', made)).status).toBe(401);
  expect((await fixture.call('/phantom', made)).status).toBe(401);
  expect(fixture.upstream.seen).toHaveLength(1);
});

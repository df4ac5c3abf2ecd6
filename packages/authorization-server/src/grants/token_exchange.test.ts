import { describe, expect, test } from '@jest/globals';
import { type CryptoKey, decodeJwt, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { TokenExchangeConfig } from '../config/config.ts';
import { openSigningKeys } from '../keys/signing_keys.ts';
import { resourceOf, SECRET, STYLES } from '../testing/test_server.ts';
import { client, startForTokenRequests, type TokenRequests } from '../testing/token_requests.ts';
import { timedJwtId } from '../tokens/timed_jwt_id.ts';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

/** `backend` is the API of style jwt and may call all others, unless the test changes that. */
const start = (rules: Partial<TokenExchangeConfig> = {}) =>
  startForTokenRequests(() => ({
    clients: [
      client({
        id: 'backend',
        grants: ['token_exchange', 'client_credentials'],
        tokenExchange: {
          from: [resourceOf('jwt')],
          to: STYLES.map(resourceOf),
          scopes: [],
          impersonates: true,
          ...rules,
        },
      }),
      client({ id: 'service', grants: ['client_credentials'] }),
      // The schema refuses such a client; a registered client can be like this.
      { ...client({ id: 'unconfigured' }), grants: ['token_exchange'] },
      client({ id: 'web' }),
    ],
    users: [
      { id: 'alice', claims: { email: 'alice@example.com' } },
      { id: 'service', claims: { email: 'not-the-client@example.com' } },
    ],
  }));

interface Forgery {
  readonly claims?: Record<string, unknown>;
  readonly header?: object;
  readonly key?: CryptoKey;
}

/** A JWT with this server's signature, by default an access token of alice for the API of style jwt. */
async function sign({ config, store }: TokenRequests, { claims, header, key }: Forgery = {}) {
  const keys = await openSigningKeys(config, () => ({ algorithms: ['ES256'], longestLife: 0 }), {
    store,
    now: Date.now,
  });
  const [jwk] = keys.jwks().keys;
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: config.issuer, sub: 'alice', client_id: 'web', aud: resourceOf('jwt'), scope: 'read' };
  return new SignJWT({ ...usual, iat: now, exp: now + 60, jti: timedJwtId(Date.now()), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: String(jwk?.kid), ...header })
    .sign(key ?? (await importJWK(jwk as JWK, 'ES256')));
}

function exchange(server: TokenRequests, token: string, changed: Record<string, string> = {}) {
  return server.token('backend', {
    grant_type: GRANT_TYPE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    resource: resourceOf('phantom'),
    ...changed,
  });
}

async function issue(server: TokenRequests, as: string, style: string, scope = 'read') {
  const answer = await server.token(as, { grant_type: 'client_credentials', resource: resourceOf(style), scope });
  return answer.access_token;
}

const invalidRequest = { status: 400, error: 'invalid_request' };

describe('the new token', () => {
  test('accepts a subject token signed with a key that another authorization server has just made', async () => {
    const server = await start();
    const needs = () => ({ algorithms: ['ES256'] as const, longestLife: 0 });
    const other = await openSigningKeys(server.config, needs, { store: server.store, now: Date.now });
    for (let rotation = 0; rotation < 3; rotation++) {
      await other.rotate({ announceFor: 0 });
      expect(await exchange(server, await sign(server))).toMatchObject({ status: 200 });
    }
  });

  test.each(STYLES)('has the style of its API: %s', async (style) => {
    const server = await start();
    const actor = { actor_token: await issue(server, 'backend', 'split'), actor_token_type: ACCESS_TOKEN };
    const answer = await exchange(server, await sign(server), { resource: resourceOf(style), ...actor });
    expect(answer).toMatchObject({ status: 200, issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', scope: 'read' });
    const jwt = style === 'jwt' ? answer.access_token : await server.jwtOf(answer.access_token);
    const act = { sub: 'backend' };
    expect(decodeJwt(jwt)).toMatchObject({ sub: 'alice', client_id: 'backend', email: 'alice@example.com', act });
    if (style !== 'jwt') expect(await server.introspect(answer.access_token)).toMatchObject({ sub: 'alice', act });
  });

  test('does not outlive its subject token', async () => {
    const server = await start();
    const exp = Math.floor(Date.now() / 1000) + 20;
    const answer = await exchange(server, await sign(server, { claims: { exp } }));
    expect(answer.expires_in).toBeLessThanOrEqual(20);
    expect(decodeJwt(await server.jwtOf(answer.access_token)).exp).toBeLessThanOrEqual(exp);
  });

  test('has the requested scopes, by default those of the subject token that the API knows', async () => {
    const server = await start();
    const subject = await sign(server, { claims: { scope: 'read write other' } });
    expect(await exchange(server, subject)).toMatchObject({ scope: 'read write' });
    expect(await exchange(server, subject, { scope: 'write' })).toMatchObject({ scope: 'write' });
    expect(await exchange(server, subject, { scope: 'read other' })).toMatchObject({ error: 'invalid_scope' });
  });

  test('has additional scopes only if the client may add them and requests them', async () => {
    const server = await start({ scopes: ['write'] });
    const subject = await sign(server);
    expect(await exchange(server, subject)).toMatchObject({ scope: 'read' });
    expect(await exchange(server, subject, { scope: 'read write' })).toMatchObject({ scope: 'read write' });
  });

  test('has no user claims if its subject is a client', async () => {
    const server = await start({ from: STYLES.map(resourceOf) });
    for (const style of STYLES) {
      const answer = await exchange(server, await issue(server, 'service', style));
      const claims = decodeJwt(await server.jwtOf(answer.access_token));
      expect(claims).toMatchObject({ sub: 'service', client_id: 'backend' });
      expect(claims).not.toHaveProperty('email');
    }
  });

  test('is a JWT on request if the API has JWT access tokens', async () => {
    const server = await start();
    const asked = { requested_token_type: JWT, resource: resourceOf('jwt') };
    expect(await exchange(server, await sign(server), asked)).toMatchObject({ issued_token_type: JWT });
    for (const requested of [JWT, ID_TOKEN, 'urn:ietf:params:oauth:token-type:refresh_token'])
      expect(await exchange(server, await sign(server), { requested_token_type: requested })).toMatchObject(
        invalidRequest,
      );
  });

  test('keeps previous actors, up to a maximum length', async () => {
    const server = await start({ from: STYLES.map(resourceOf) });
    const actor = { actor_token: await issue(server, 'backend', 'split'), actor_token_type: ACCESS_TOKEN };
    let token = await sign(server, { claims: { act: { sub: 'first' } } });
    for (let length = 2; length <= 8; length++) {
      const answer = await exchange(server, token, actor);
      expect(answer.status).toBe(200);
      token = answer.access_token;
    }
    const { act } = (await server.introspect(token)) as { act: object };
    expect(JSON.stringify(act).match(/"sub":"backend"/g)).toHaveLength(7);
    expect(JSON.stringify(act)).toContain('"act":{"sub":"first"}');
    expect(await exchange(server, token, actor)).toMatchObject(invalidRequest);
    const impersonating = await exchange(server, token);
    expect((await server.introspect(impersonating.access_token)).act).toEqual(act);
  });
});

describe('the API', () => {
  test('may be named in resource, in audience, or in both', async () => {
    const server = await start();
    const audience = resourceOf('phantom');
    expect(await exchange(server, await sign(server), { resource: '', audience })).toMatchObject({ status: 200 });
    expect(await exchange(server, await sign(server), { audience })).toMatchObject({ status: 200 });
  });

  test('must be exactly one known API that the client may call', async () => {
    const server = await start({ to: [resourceOf('phantom')] });
    const subject = await sign(server);
    for (const changed of [
      { resource: resourceOf('split') },
      { resource: resourceOf('none') },
      { audience: resourceOf('split') },
      { resource: '' }, // The API of the subject token, which the client may not call.
    ])
      expect(await exchange(server, subject, changed)).toMatchObject({ status: 400, error: 'invalid_target' });
    const twice: [string, string][] = [
      ['grant_type', GRANT_TYPE],
      ['subject_token', subject],
      ['subject_token_type', ACCESS_TOKEN],
      ['resource', resourceOf('phantom')],
      ['resource', resourceOf('split')],
    ];
    expect(await server.token('backend', twice)).toMatchObject({ status: 400, error: 'invalid_target' });
  });

  test('is that of the subject token when a client narrows its own token', async () => {
    const server = await start({ to: [] });
    const own = await issue(server, 'backend', 'split', 'read write');
    const answer = await exchange(server, own, { resource: '', scope: 'read' });
    expect(await server.introspect(answer.access_token)).toMatchObject({ aud: resourceOf('split'), scope: 'read' });
    expect(await exchange(server, own)).toMatchObject({ error: 'invalid_target' });
  });
});

describe('a client', () => {
  test.each(STYLES)('may not exchange a %s token that was issued to another client for another API', async (style) => {
    const server = await start({ from: STYLES.filter((other) => other !== style).map(resourceOf) });
    const answer = await exchange(server, await issue(server, 'service', style));
    expect(answer).toMatchObject({ ...invalidRequest, error_description: expect.stringContaining('acts for') });
  });

  test('may not exchange tokens without a configuration for it', async () => {
    const server = await start();
    const answer = await server.token('unconfigured', {
      grant_type: GRANT_TYPE,
      subject_token: await sign(server),
      subject_token_type: ACCESS_TOKEN,
    });
    expect(answer).toMatchObject({ status: 400, error: 'unauthorized_client' });
  });

  test('must send an actor token if it may not impersonate', async () => {
    const server = await start({ impersonates: false });
    const subject = await sign(server);
    expect(await exchange(server, subject)).toMatchObject({ status: 400, error: 'unauthorized_client' });
    const actor = { actor_token: await issue(server, 'backend', 'jwt'), actor_token_type: JWT };
    expect(await exchange(server, subject, actor)).toMatchObject({ status: 200 });
  });

  test('may exchange its own ID token for scopes that it may add', async () => {
    const server = await start({ scopes: ['read'] });
    const header = { typ: undefined };
    const own = await sign(server, { header, claims: { aud: 'backend', scope: undefined } });
    const asIdToken = { subject_token_type: ID_TOKEN, scope: 'read' };
    expect(await exchange(server, own, asIdToken)).toMatchObject({ status: 200, scope: 'read' });
    expect(await exchange(server, own, { ...asIdToken, scope: 'write' })).toMatchObject({ error: 'invalid_scope' });
    expect(await exchange(server, own, { ...asIdToken, resource: '' })).toMatchObject({ error: 'invalid_target' });
    const foreign = await sign(server, { header, claims: { aud: 'web' } });
    expect(await exchange(server, foreign, asIdToken)).toMatchObject(invalidRequest);
    const accessToken = await sign(server, { claims: { aud: 'backend' } });
    expect(await exchange(server, accessToken, asIdToken)).toMatchObject(invalidRequest);
  });
});

const forgeries: [string, () => Forgery | Promise<Forgery>][] = [
  ['signed by another key', async () => ({ key: (await generateKeyPair('ES256')).privateKey })],
  ['of another issuer', () => ({ claims: { iss: 'https://other.example.com' } })],
  ['that has expired', () => ({ claims: { exp: Math.floor(Date.now() / 1000) - 1 } })],
  ['that never expires', () => ({ claims: { exp: undefined } })],
  ['of another type', () => ({ header: { typ: 'token-introspection+jwt' } })],
  ['without a type', () => ({ header: { typ: undefined } })],
  ['without a subject', () => ({ claims: { sub: undefined } })],
  ['with an unknown subject', () => ({ claims: { sub: 'mallory' } })],
  ['without a client', () => ({ claims: { client_id: undefined } })],
  ['of a removed client', () => ({ claims: { client_id: 'gone' } })],
  ['that is bound to a key', () => ({ claims: { cnf: { jkt: 'x' } } })],
  ['of style phantom without a rendered token', () => ({ claims: { aud: resourceOf('phantom'), jti: 'x' } })],
  ['of style jwt whose jti has no time', () => ({ claims: { jti: 'x' } })],
  ['of style split that is not in the store', () => ({ claims: { aud: resourceOf('split') } })],
];

test.each(forgeries)('a JWT %s is refused, as subject and as actor', async (_what, make) => {
  const server = await start({ from: STYLES.map(resourceOf) });
  const forged = await sign(server, await make());
  for (const type of [ACCESS_TOKEN, JWT]) {
    expect(await exchange(server, forged, { subject_token_type: type })).toMatchObject(invalidRequest);
    const asActor = { actor_token: forged, actor_token_type: type };
    expect(await exchange(server, await sign(server), asActor)).toMatchObject(invalidRequest);
  }
});

test.each([
  ['no subject token', { subject_token: '' }],
  ['no type of the subject token', { subject_token_type: '' }],
  ['an unknown type', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
  ['the type of another token', { subject_token_type: ID_TOKEN }],
  ['an unknown token', { subject_token: 'A'.repeat(43) }],
  ['an actor token without its type', { actor_token: 'A'.repeat(43) }],
  ['the type of an actor token alone', { actor_token_type: ACCESS_TOKEN }],
  ['an unknown actor token', { actor_token: 'A'.repeat(43), actor_token_type: ACCESS_TOKEN }],
])('a request with %s is refused without quoting its tokens', async (_what, changed) => {
  const server = await start();
  const answer = await exchange(server, await sign(server), changed);
  expect(answer).toMatchObject(invalidRequest);
  expect(JSON.stringify(answer)).not.toMatch(/eyJ|AAAA/);
});

test('an actor token of another client and a delegated actor token are refused', async () => {
  const server = await start();
  const foreign = { actor_token: await issue(server, 'service', 'split'), actor_token_type: ACCESS_TOKEN };
  expect(await exchange(server, await sign(server), foreign)).toMatchObject(invalidRequest);
  const actor = { actor_token: await issue(server, 'backend', 'split'), actor_token_type: ACCESS_TOKEN };
  const delegated = await exchange(server, await sign(server), actor);
  const asActor = { actor_token: delegated.access_token, actor_token_type: ACCESS_TOKEN };
  expect(await exchange(server, await sign(server), asActor)).toMatchObject(invalidRequest);
});

test('a reference token that is bound to a key is refused', async () => {
  const server = await start({ from: STYLES.map(resourceOf) });
  const exp = Math.floor(Date.now() / 1000) + 60;
  await server.store
    .records('ClientCredentials', SECRET)
    .upsert('bound'.padEnd(43, 'x'), { kind: 'ClientCredentials', clientId: 'service', exp, jkt: 'x' }, 60);
  const answer = await exchange(server, 'bound'.padEnd(43, 'x'));
  expect(answer).toMatchObject({ ...invalidRequest, error_description: expect.stringContaining('bound to a key') });
});

test.each([
  ['no longer exists', undefined],
  ["is another user's", 'bob'],
])('a reference token whose grant %s is refused', async (_what, accountId) => {
  const server = await start();
  const token = 'A'.repeat(43);
  const exp = Math.floor(Date.now() / 1000) + 60;
  const record = { kind: 'AccessToken', clientId: 'backend', accountId: 'alice', grantId: 'grant', exp };
  await server.store.records('AccessToken', SECRET).upsert(token, record, 60);
  if (accountId) await server.store.records('Grant', SECRET).upsert('grant', { kind: 'Grant', accountId, exp }, 60);
  expect(await exchange(server, token)).toMatchObject(invalidRequest);
  await server.store.records('Grant', SECRET).upsert('grant', { kind: 'Grant', accountId: 'alice', exp }, 60);
  expect(await exchange(server, token)).toMatchObject({ status: 200 });
});

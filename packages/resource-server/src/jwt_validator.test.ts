import { inspect } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createSigningKey, type SigningKey } from '@tallystick/testing/signing_key';
import { base64url, createLocalJWKSet, createRemoteJWKSet, SignJWT } from 'jose';
import { createJwtValidator } from './jwt_validator.ts';
import { answering, serveJwks } from './testing/jwks_server.ts';
import { audience, issuedAt, issuer, signAccessToken } from './testing/sign_access_token.ts';

let key: SigningKey;
beforeAll(async () => {
  key = await createSigningKey('key-1');
});

const validatorFor = (keys: SigningKey[], options = {}, second = issuedAt) =>
  createJwtValidator(
    { issuer, audience, ...options },
    { jwks: { getKey: createLocalJWKSet({ keys: keys.map(({ jwk }) => jwk) }) }, now: () => second * 1000 },
  );

const refused = (description: string) =>
  expect.objectContaining({ name: 'AccessTokenError', code: 'invalid_token', status: 401, description });

describe('a JWT validator', () => {
  test('accepts a valid access token and returns its claims', async () => {
    const claims = await validatorFor([key]).validate(await signAccessToken(key));
    expect(claims).toEqual({
      iss: issuer,
      sub: 'alice',
      aud: audience,
      exp: issuedAt + 600,
      iat: issuedAt,
      jti: 'jti-1',
      client_id: 'demo-web',
      scope: 'read write',
    });
  });

  test('returns the kid of the key that signed', async () => {
    const { kid, claims } = await validatorFor([key]).verifyJwt(await signAccessToken(key));
    expect([kid, claims.sub]).toEqual(['key-1', 'alice']);
  });

  test('accepts a token without a kid when only one key fits', async () => {
    const token = await signAccessToken(key, {}, { kid: undefined });
    await expect(validatorFor([key]).verifyJwt(token)).resolves.toMatchObject({ kid: undefined });
  });

  test.each(['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'])('accepts %s', async (alg) => {
    const other = await createSigningKey('other', alg);
    await expect(validatorFor([key, other]).validate(await signAccessToken(other))).resolves.toBeDefined();
  });

  test.each([
    ['the long form of typ', {}, { typ: 'application/at+jwt' }],
    ['typ in capitals', {}, { typ: 'AT+JWT' }],
    ['an audience among others', { aud: ['https://other.example.com', audience] }, {}],
    ['no scope', { scope: undefined }, {}],
    ['an nbf in the past', { nbf: issuedAt }, {}],
  ])('accepts %s', async (_, claims, header) => {
    await expect(validatorFor([key]).validate(await signAccessToken(key, claims, header))).resolves.toBeDefined();
  });

  test.each([
    ['an ID token', {}, { typ: 'JWT' }, 'the token is not an access token: its typ is not at+jwt'],
    ['no typ', {}, { typ: undefined }, 'the token is not an access token: its typ is not at+jwt'],
    ['another issuer', { iss: `${issuer}/` }, {}, "the token's issuer is not the one this API trusts"],
    ['no issuer', { iss: undefined }, {}, 'the token has no iss claim'],
    ['another audience', { aud: `${audience}/v2` }, {}, "the token's audience is not this API"],
    ['other audiences', { aud: ['a', 'b'] }, {}, "the token's audience is not this API"],
    ['no audience', { aud: undefined }, {}, 'the token has no aud claim'],
    ['no exp', { exp: undefined }, {}, 'the token has no exp claim'],
    ['an exp that is a string', { exp: 'never' }, {}, "the token's exp claim is malformed"],
    ['an nbf in the future', { nbf: issuedAt + 1 }, {}, 'the token is not valid yet'],
    ['no iat', { iat: undefined }, {}, 'the token has no iat claim'],
    ['an iat that is a string', { iat: 'now' }, {}, "the token's iat claim is malformed"],
    ['no sub', { sub: undefined }, {}, 'the token has no sub claim'],
    ['a sub that is a number', { sub: 7 }, {}, "the token's sub claim is malformed"],
    ['an empty sub', { sub: '' }, {}, "the token's sub claim is malformed"],
    ['no client_id', { client_id: undefined }, {}, 'the token has no client_id claim'],
    ['a client_id that is null', { client_id: null }, {}, "the token's client_id claim is malformed"],
    ['no jti', { jti: undefined }, {}, 'the token has no jti claim'],
    ['scopes that are numbers', { scope: [7] }, {}, "the token's scope claim is malformed"],
    ['a scope that is an object', { scope: {} }, {}, "the token's scope claim is malformed"],
    ['an unknown key', {}, { kid: 'key-2' }, 'the token is signed with an unknown key'],
  ])('refuses %s', async (_, claims, header, description) => {
    const token = await signAccessToken(key, claims, header);
    await expect(validatorFor([key]).validate(token)).rejects.toEqual(refused(description));
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>, string | undefined]>([
    ['scopes in a list', { scope: ['read', 'write'] }, {}, 'read write'],
    ['an empty list of scopes', { scope: [] }, {}, ''],
    ['scp as text', { scope: undefined, scp: 'read write' }, { scopeClaims: ['scp'] }, 'read write'],
    ['scp as a list', { scope: undefined, scp: ['read'] }, { scopeClaims: ['scope', 'scp'] }, 'read'],
    ['both', { scope: 'read', scp: ['write'] }, { scopeClaims: ['scope', 'scp'] }, 'read write'],
    ['scp where it is not configured', { scope: undefined, scp: 'read' }, {}, undefined],
    ['scope where scp is configured', { scope: 'read' }, { scopeClaims: ['scp'] }, undefined],
  ])('reads %s', async (_, claims, options, scope) => {
    expect((await validatorFor([key], options).validate(await signAccessToken(key, claims))).scope).toBe(scope);
  });

  test('reads client_id from the first configured claim that is present, and accepts a token without one where it is not required', async () => {
    const clientIdClaims = ['client_id', 'azp'];
    const token = await signAccessToken(key, { client_id: undefined, azp: 'spa' });
    expect((await validatorFor([key], { clientIdClaims }).validate(token)).client_id).toBe('spa');
    await expect(validatorFor([key]).validate(token)).rejects.toEqual(refused('the token has no client_id claim'));
    const claims = await validatorFor([key], { requiredClaims: ['iat', 'sub'] }).validate(token);
    expect(claims).not.toHaveProperty('client_id');
  });

  test('accepts a token without jti where it is not required', async () => {
    const token = await signAccessToken(key, { jti: undefined });
    await expect(validatorFor([key], { requiredClaims: ['sub'] }).validate(token)).resolves.toBeDefined();
    const malformed = await signAccessToken(key, { jti: 7 });
    await expect(validatorFor([key], { requiredClaims: ['sub'] }).validate(malformed)).rejects.toMatchObject({
      description: "the token's jti claim is malformed",
    });
  });

  describe.each([
    ['JWT', { typ: 'JWT' }],
    ['JWT in its long form', { typ: 'application/jwt' }],
    ['absent', { typ: undefined }],
  ] as const)('where the type %s is allowed', (_, header) => {
    const insecureTypes = [header.typ === undefined ? 'absent' : 'JWT'];
    const validate = async (claims: Record<string, unknown>) =>
      validatorFor([key], { insecureTypes, requiredClaims: ['sub'] }).validate(
        await signAccessToken(key, claims, header),
      );
    const bare = { scope: undefined, client_id: undefined };

    test.each<[string, Record<string, unknown>]>([
      ['a scope', { ...bare, scope: '' }],
      ['a client', { ...bare, client_id: 'spa' }],
      ['scp', { ...bare, scp: ['read'] }],
      ['an azp that is not its audience', { ...bare, azp: 'spa' }],
      ['token_use: access, as Cognito says', { ...bare, token_use: 'access' }],
      ['typ: Bearer, as Keycloak says, also with a nonce', { ...bare, typ: 'Bearer', nonce: 'n' }],
    ])('a token passes that has %s', async (__, claims) => {
      await expect(validate(claims)).resolves.toBeDefined();
    });

    test.each<[string, Record<string, unknown>]>([
      ['an ID token, by its nonce', { nonce: 'n' }],
      ['an ID token, by its at_hash', { at_hash: 'h' }],
      ['an ID token, by its c_hash', { c_hash: 'h' }],
      ['an ID token of Keycloak', { typ: 'ID' }],
      ['an ID token of Cognito', { token_use: 'id' }],
      ['an ID token with required claims only', bare],
      ['an ID token with azp', { ...bare, azp: audience }],
      ['a refresh token of Keycloak', { typ: 'Refresh' }],
      ['a logout token', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
      ['an introspection answer', { token_introspection: { active: true } }],
      ['claims that contradict each other', { typ: 'Bearer', token_use: 'id' }],
      ['a typ claim that is a number', { typ: 7 }],
    ])('%s does not', async (__, claims) => {
      await expect(validate(claims)).rejects.toEqual(refused('the token is not an access token'));
    });

    test('refuses tokens of other types, and accepts at+jwt', async () => {
      const validator = validatorFor([key], { insecureTypes });
      for (const typ of ['logout+jwt', 'dpop+jwt', 'token-introspection+jwt', 'JWT ', '']) {
        await expect(validator.validate(await signAccessToken(key, {}, { typ }))).rejects.toMatchObject({
          code: 'invalid_token',
        });
      }
      await expect(validator.validate(await signAccessToken(key))).resolves.toBeDefined();
    });
  });

  test('allows one insecure type without the other', async () => {
    const [typed, untyped] = [
      await signAccessToken(key, {}, { typ: 'JWT' }),
      await signAccessToken(key, {}, { typ: undefined }),
    ];
    const wrongType = refused('the token is not an access token: its typ is not at+jwt');
    await expect(validatorFor([key], { insecureTypes: ['JWT'] }).validate(untyped)).rejects.toEqual(wrongType);
    await expect(validatorFor([key], { insecureTypes: ['absent'] }).validate(typed)).rejects.toEqual(wrongType);
  });

  test('accepts a token without an audience, or with an empty one, only with insecureMissingAudience', async () => {
    for (const aud of [undefined, []]) {
      const token = await signAccessToken(key, { aud });
      await expect(validatorFor([key]).validate(token)).rejects.toMatchObject({ code: 'invalid_token' });
      await expect(validatorFor([key], { insecureMissingAudience: true }).validate(token)).resolves.toBeDefined();
    }
    for (const aud of ['other', ['other'], [7]]) {
      const token = await signAccessToken(key, { aud });
      await expect(validatorFor([key], { insecureMissingAudience: true }).validate(token)).rejects.toEqual(
        refused("the token's audience is not this API"),
      );
    }
  });

  test.each(['RS384', 'RS512', 'PS384', 'PS512'])('accepts %s when algorithms names it', async (alg) => {
    const other = await createSigningKey('other', alg);
    const token = await signAccessToken(other);
    await expect(validatorFor([other], { algorithms: [alg] }).validate(token)).resolves.toBeDefined();
    await expect(validatorFor([other]).validate(token)).rejects.toEqual(
      refused("the token's signing algorithm is not accepted"),
    );
  });

  test('accepts a token until the second in which it expires, and no longer', async () => {
    const token = await signAccessToken(key);
    await expect(validatorFor([key], {}, issuedAt + 599).validate(token)).resolves.toBeDefined();
    await expect(validatorFor([key], {}, issuedAt + 600).validate(token)).rejects.toEqual(
      refused('the token has expired'),
    );
  });

  test('tolerates clock differences up to clockTolerance', async () => {
    const token = await signAccessToken(key, { nbf: issuedAt });
    const options = { clockTolerance: 5 };
    await expect(validatorFor([key], options, issuedAt + 604).validate(token)).resolves.toBeDefined();
    await expect(validatorFor([key], options, issuedAt - 5).validate(token)).resolves.toBeDefined();
    await expect(validatorFor([key], options, issuedAt + 605).validate(token)).rejects.toThrow('expired');
    await expect(validatorFor([key], options, issuedAt - 6).validate(token)).rejects.toThrow('not valid yet');
  });

  test('refuses a payload that the key did not sign', async () => {
    const [header, , signature] = (await signAccessToken(key)).split('.');
    const [, payload] = (await signAccessToken(key, { sub: 'bob' })).split('.');
    await expect(validatorFor([key]).validate(`${header}.${payload}.${signature}`)).rejects.toEqual(
      refused("the token's signature does not verify"),
    );
  });

  test('refuses an unsigned token', async () => {
    const [, payload] = (await signAccessToken(key)).split('.');
    const header = base64url.encode(JSON.stringify({ alg: 'none', typ: 'at+jwt' }));
    await expect(validatorFor([key]).validate(`${header}.${payload}.`)).rejects.toEqual(
      refused("the token's signing algorithm is not accepted"),
    );
  });

  test('refuses a token whose HMAC key is our public key', async () => {
    const token = await new SignJWT({ sub: 'mallory' })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })
      .sign(new TextEncoder().encode(JSON.stringify(key.jwk)));
    await expect(validatorFor([key]).validate(token)).rejects.toEqual(
      refused("the token's signing algorithm is not accepted"),
    );
  });

  test('accepts only the configured algorithms', async () => {
    await expect(validatorFor([key], { algorithms: ['RS256'] }).validate(await signAccessToken(key))).rejects.toEqual(
      refused("the token's signing algorithm is not accepted"),
    );
  });

  test.each(['', 'a', 'a.b', 'a.b.c', '..', 'a.b.c.d.e', `${base64url.encode('{"alg":"ES256"}')}.!.!`, 'é.é.é'])(
    'refuses %j, which is not a JWT',
    async (token) => {
      await expect(validatorFor([key]).validate(token)).rejects.toMatchObject({ code: 'invalid_token' });
    },
  );

  test('refuses a header that demands extensions', async () => {
    const [, payload, signature] = (await signAccessToken(key)).split('.');
    const header = base64url.encode(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1', crit: ['x'], x: 1 }));
    await expect(validatorFor([key]).validate(`${header}.${payload}.${signature}`)).rejects.toMatchObject({
      code: 'invalid_token',
    });
  });

  test('refuses a token longer than 64 KiB without looking for a key', async () => {
    let asked = 0;
    const getKey = async () => {
      asked += 1;
      return key.jwk;
    };
    const validator = createJwtValidator({ issuer, audience }, { jwks: { getKey }, now: () => issuedAt * 1000 });
    await expect(validator.validate(await signAccessToken(key, { filler: 'a'.repeat(40_000) }))).resolves.toBeDefined();
    await expect(validator.validate(await signAccessToken(key, { filler: 'a'.repeat(64_000) }))).rejects.toEqual(
      refused('the token is too long'),
    );
    expect(asked).toBe(1);
  });

  test('discloses nothing of a refused token in its error', async () => {
    const tokens = await Promise.all([
      signAccessToken(key, { ssn: 'secret-ssn', exp: issuedAt - 1 }),
      signAccessToken(key, { ssn: 'secret-ssn', aud: 'secret-aud' }),
      signAccessToken(key, { ssn: 'secret-ssn' }, { kid: 'secret-kid' }),
    ]);
    for (const token of tokens) {
      const error = await validatorFor([key])
        .validate(token)
        .catch((caught) => caught);
      expect(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toMatch(/secret/);
    }
  });

  test('does not blame the token when the keys cannot be fetched', async () => {
    const server = await serveJwks(key);
    server.answer = answering(500);
    const jwks = { getKey: createRemoteJWKSet(new URL(server.uri)) };
    const validator = createJwtValidator({ issuer, audience }, { jwks });
    await expect(validator.validate(await signAccessToken(key))).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
    });
  });

  test('does not blame the token when its key cannot be used', async () => {
    const rsa = await createSigningKey('rsa', 'RS256');
    const unfit = { ...rsa, jwk: { ...rsa.jwk, n: base64url.encode(new Uint8Array(64).fill(255)) } };
    await expect(validatorFor([unfit]).validate(await signAccessToken(rsa))).rejects.toMatchObject({ status: 503 });
  });

  test.each([
    ['no issuer', { issuer: undefined }],
    ['an empty audience', { audience: '' }],
    ['a symmetric algorithm', { algorithms: ['ES256', 'HS256'] }],
    ['no signature', { algorithms: ['none'] }],
    ['no algorithms', { algorithms: [] }],
    ['a negative tolerance', { clockTolerance: -1 }],
  ])('cannot be made with %s', (_, options) => {
    expect(() => validatorFor([key], options)).toThrow(TypeError);
  });

  test('cannot be created without keys', () => {
    expect(() => createJwtValidator({ issuer, audience }, {} as never)).toThrow(TypeError);
  });
});

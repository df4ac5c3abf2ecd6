import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { StoreUnavailableError } from '@tallystick/token-store';
import {
  CompactEncrypt,
  type CryptoKey,
  decodeJwt,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from 'jose';
import { openSigningKeys } from '../keys/signing_keys.ts';
import {
  resourceOf,
  SECRET,
  startTestServer,
  type TestServer,
  testClient,
  testConfiguration,
} from '../testing/test_server.ts';
import { timedJwtId } from './timed_jwt_id.ts';

const ACCEPTS = ['application/json', 'application/jwt', 'application/token-introspection+jwt'] as const;
type Accept = (typeof ACCEPTS)[number];

let server: TestServer;
let other: TestServer;
/** The signing key of the server. */
let key: CryptoKey;
let jwk: JWK;

const start = () =>
  startTestServer((config) => ({
    ...config,
    clients: [
      ...config.clients,
      testClient({
        id: 'paired',
        grants: ['authorization_code'],
        redirectUris: ['https://paired.example.com/'],
        metadata: { subject_type: 'pairwise' },
      }),
    ],
  }));

beforeEach(async () => {
  [server, other] = await Promise.all([start(), start()]);
  const keys = await openSigningKeys(
    testConfiguration(server.issuer),
    () => ({ algorithms: ['ES256'], longestLife: 0 }),
    { store: server.store, now: Date.now },
  );
  jwk = keys.jwks().keys[0] as JWK;
  key = (await importJWK(jwk, 'ES256')) as CryptoKey;
});
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all([server.stop(), other.stop()]);
});

function ask(token: string, accept: string, client = 'gateway') {
  return fetch(`${server.issuer}/token/introspection`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}`, Accept: accept },
    body: new URLSearchParams({ token }),
  });
}

/** The claims in each response format; undefined for an inactive token. */
async function asked(token: string, accept: Accept, client?: string): Promise<Record<string, unknown> | undefined> {
  const answer = await ask(token, accept, client);
  const text = await answer.text();
  expect([200, 204]).toContain(answer.status);
  expect(answer.headers.get('vary')).toContain('Accept');
  if (answer.status === 204) {
    expect([accept, text, answer.headers.get('cache-control')]).toEqual(['application/jwt', '', 'no-store']);
    return undefined;
  }
  expect(answer.headers.get('content-type')?.split(';')[0]).toBe(accept);
  if (accept === 'application/jwt') {
    expect(text).toBe(token);
    expect(answer.headers.get('cache-control')).toBe('max-age=60');
    return decodeJwt(text);
  }
  const response = accept === 'application/json' ? JSON.parse(text) : decodeJwt(text).token_introspection;
  if (response.active === true) return response;
  expect(response).toEqual({ active: false });
  return undefined;
}

const activity = (token: string, client?: string) =>
  Promise.all(ACCEPTS.map(async (accept) => (await asked(token, accept, client)) !== undefined));
const ACTIVE = [true, true, true];
const INACTIVE = [false, false, false];

interface Forgery {
  readonly claims?: Record<string, unknown>;
  readonly header?: object;
  readonly signingKey?: CryptoKey | Uint8Array;
}

/** A JWT access token with the server's signature, by default of alice for the API of style jwt. */
function sign({ claims, header, signingKey = key }: Forgery = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now, exp: now + 60, jti: timedJwtId(Date.now()) };
  const usual = { iss: server.issuer, sub: 'alice', client_id: 'service', aud: resourceOf('jwt'), scope: 'read' };
  return new SignJWT({ ...usual, ...times, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: String(jwk.kid), ...header })
    .sign(signingKey);
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

async function withPart(index: 0 | 1 | 2, change: (text: string) => string): Promise<string> {
  return (await sign())
    .split('.')
    .map((text, at) => (at === index ? change(text) : text))
    .join('.');
}

/** Another valid signature by the same key: for every ES256 signature there is a second one. */
function otherOfThePair(signature: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const bytes = Buffer.from(signature, 'base64url');
  const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  return Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]).toString(
    'base64url',
  );
}

const BAD: [string, () => string | Promise<string>][] = [
  ['garbage with two dots', () => 'not.a.jwt'],
  ['a header and nothing else', () => `${part({ alg: 'ES256' })}..`],
  ['a JWT of 50 kB', async () => `${part({ alg: 'ES256', typ: 'at+jwt' })}.${'x'.repeat(50_000)}.sig`],
  ['dots only', () => `${part({ alg: 'ES256' })}${'.'.repeat(50_000)}`],
  [
    'a payload nested ten thousand deep',
    () => withPart(1, () => Buffer.from('['.repeat(10_000)).toString('base64url')),
  ],
  ['alg none', () => `${part({ alg: 'none', typ: 'at+jwt' })}.${part({ sub: 'alice' })}.`],
  ['alg none over good claims', async () => `${part({ alg: 'none' })}.${(await sign()).split('.')[1]}.`],
  [
    'HS256 with the public key as its secret',
    async () => {
      const { d: _private, ...publicJwk } = jwk;
      const publicKey = (await importJWK(publicJwk, 'ES256', { extractable: true })) as CryptoKey;
      return sign({ header: { alg: 'HS256' }, signingKey: Buffer.from(await exportSPKI(publicKey)) });
    },
  ],
  ['another key', async () => sign({ signingKey: (await generateKeyPair('ES256')).privateKey })],
  [
    'another key that the header brings along',
    async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256');
      return sign({ header: { jwk: await exportJWK(publicKey), kid: undefined }, signingKey: privateKey });
    },
  ],
  ['an unknown kid', () => sign({ header: { kid: 'unknown' } })],
  ['an unknown critical header', async () => withPart(0, () => part({ alg: 'ES256', crit: ['x'], x: 1 }))],
  ['a changed payload', () => withPart(1, () => part({ sub: 'alice', client_id: 'service' }))],
  ['a space at the end', async () => `${await sign()} `],
  ['a line break within', () => withPart(2, (signature) => `${signature.slice(0, 9)}\n${signature.slice(9)}`)],
  ['a cut signature', () => withPart(2, (signature) => signature.slice(0, -4))],
  ['another issuer', () => sign({ claims: { iss: 'https://other.example.com' } })],
  ['no issuer', () => sign({ claims: { iss: undefined } })],
  ['an access token that has expired', () => sign({ claims: { exp: now() - 1 } })],
  ['an access token that never expires', () => sign({ claims: { exp: undefined } })],
  ['an access token that is not valid yet', () => sign({ claims: { nbf: now() + 60 } })],
  ['times that are strings', () => sign({ claims: { exp: '9999999999' } })],
  ['no type', () => sign({ header: { typ: undefined } })],
  ['the type JWT', () => sign({ header: { typ: 'JWT' } })],
  ['the type of a signed introspection', () => sign({ header: { typ: 'token-introspection+jwt' } })],
  ['the type of a logout token', () => sign({ header: { typ: 'logout+jwt' } })],
  ['an ID token', () => sign({ header: { typ: undefined }, claims: { aud: 'service', client_id: undefined } })],
  ['a signed introspection', async () => (await ask(await sign(), 'application/token-introspection+jwt')).text()],
  ['no client', () => sign({ claims: { client_id: undefined } })],
  ['a client that is a list', () => sign({ claims: { client_id: ['service'] } })],
  ['an unknown client', () => sign({ claims: { client_id: 'gone' } })],
  ['an unknown user', () => sign({ claims: { sub: 'mallory' } })],
  ["a user by another client's pairwise subject", () => sign({ claims: { client_id: 'paired' } })],
  ['no subject', () => sign({ claims: { sub: undefined } })],
  ['a jti without a record', () => sign({ claims: { jti: 'x', aud: resourceOf('phantom') } })],
  ['no jti', () => sign({ claims: { jti: undefined } })],
  ['a JWT of another tenant', async () => (await other.issueToken(JWT_OF_SERVICE)).accessToken],
  [
    'an encrypted JWT',
    async () => {
      const encrypting = new CompactEncrypt(Buffer.from(await sign()));
      return encrypting.setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' }).encrypt(new Uint8Array(32));
    },
  ],
  ...(['expired', 'not_yet_valid', 'wrong_issuer', 'wrong_typ', 'alg_none', 'unknown_key'] as const).map(
    (defect): [string, () => Promise<string>] => [
      `a token that is broken on purpose: ${defect}`,
      async () => (await server.issueToken({ ...JWT_OF_SERVICE, defect })).accessToken,
    ],
  ),
];

const JWT_OF_SERVICE = { client: 'service', api: resourceOf('jwt') };

test.each(BAD)('an invalid JWT is inactive in every response format: %s', async (_what, make) => {
  expect(await activity(await make())).toEqual(INACTIVE);
});

describe('a JWT of style jwt', () => {
  test.each([
    ["a client's", {}, 'service'],
    ["a user's", { user: 'alice' }, 'alice'],
  ])('is active and answered with its claims: %s', async (_whose, also, sub) => {
    const { accessToken } = await server.issueToken({ ...JWT_OF_SERVICE, scopes: ['read'], ...also });
    const claims = decodeJwt(accessToken);
    for (const accept of ACCEPTS) {
      const response = await asked(accessToken, accept);
      const about = accept === 'application/jwt' ? {} : { active: true, token_type: 'Bearer' };
      expect(response).toEqual({ ...claims, ...about });
      expect(response).toMatchObject({ sub, client_id: 'service', scope: 'read', aud: resourceOf('jwt') });
    }
  });

  test('is answered with its confirmation', async () => {
    for (const [confirmation, tokenType] of [
      [{ jkt: 'thumbprint' }, 'DPoP'],
      [{ 'x5t#S256': 'thumbprint' }, 'Bearer'],
    ] as const) {
      const { accessToken } = await server.issueToken({ ...JWT_OF_SERVICE, confirmation });
      expect(await asked(accessToken, 'application/json')).toMatchObject({ cnf: confirmation, token_type: tokenType });
      expect(await asked(accessToken, 'application/token-introspection+jwt')).toMatchObject({ cnf: confirmation });
    }
  });

  test('of a pairwise client is active while its user exists', async () => {
    const { accessToken } = await server.issueToken({ client: 'paired', user: 'alice', api: resourceOf('jwt') });
    expect(decodeJwt(accessToken).sub).not.toBe('alice');
    expect(await activity(accessToken)).toEqual(ACTIVE);
    await server.configuration.replace({ ...server.configuration.current(), users: [] });
    expect(await activity(accessToken)).toEqual(INACTIVE);
  });

  test('can be introspected by permitted clients only', async () => {
    const { accessToken } = await server.issueToken(JWT_OF_SERVICE);
    expect(await activity(accessToken, 'service')).toEqual(INACTIVE);
    expect((await ask(accessToken, 'application/json', 'nobody')).status).toBe(401);
  });

  test.each(['client', 'user'] as const)(
    'becomes inactive when its %s is removed, and stays inactive when the name is used again',
    async (which) => {
      const request = { ...JWT_OF_SERVICE, user: 'alice' };
      const { accessToken } = await server.issueToken(request);
      const before = server.configuration.current();
      expect(await activity(accessToken)).toEqual(ACTIVE);
      const clients = which === 'client' ? before.clients.filter(({ id }) => id !== 'service') : before.clients;
      const users = which === 'user' ? before.users.filter(({ id }) => id !== 'alice') : before.users;
      await server.configuration.replace({ ...before, clients, users });
      expect(await activity(accessToken)).toEqual(INACTIVE);
      await server.configuration.replace(before);
      expect(await activity(accessToken)).toEqual(INACTIVE);
      // Issued in the same second, so `iat` cannot distinguish them.
      const { accessToken: next } = await server.issueToken(request);
      expect(await activity(next)).toEqual(ACTIVE);
      await server.store.clear();
      expect(await activity(accessToken)).toEqual(INACTIVE);
    },
  );
});

describe.each(['opaque', 'phantom', 'split'] as const)('the JWT of a reference token: %s', (style) => {
  const request = { client: 'service', user: 'alice', api: resourceOf(style) };

  test('is active as long as its reference token', async () => {
    const { accessToken, jwt = '' } = await server.issueToken(request);
    expect(await activity(jwt)).toEqual(ACTIVE);
    await server.store.records('AccessToken', SECRET).destroy(accessToken);
    expect(await activity(jwt)).toEqual(INACTIVE);
  });

  test('becomes inactive with the grant of its token and with its client', async () => {
    const { jwt = '' } = await server.issueToken(request);
    const { jwt: ofClient = '' } = await server.issueToken({ ...request, user: undefined });
    expect([await activity(jwt), await activity(ofClient)]).toEqual([ACTIVE, ACTIVE]);
    const before = server.configuration.current();
    await server.configuration.replace({ ...before, clients: before.clients.filter(({ id }) => id !== 'service') });
    await server.configuration.replace(before);
    expect([await activity(jwt), await activity(ofClient)]).toEqual([INACTIVE, INACTIVE]);
  });

  test('is inactive with another valid signature', async () => {
    const { jwt = '' } = await server.issueToken(request);
    const [header, claims, signature = ''] = jwt.split('.');
    // A split token is the signature, so another signature is another token. With other styles the JWT is the same.
    const expected = style === 'split' ? INACTIVE : ACTIVE;
    expect(await activity(`${header}.${claims}.${otherOfThePair(signature)}`)).toEqual(expected);
  });
});

test('an unavailable store gets 503, not an inactive token', async () => {
  const { accessToken } = await server.issueToken(JWT_OF_SERVICE);
  jest.spyOn(server.store, 'isRevokedSince').mockRejectedValue(new StoreUnavailableError('down'));
  for (const accept of ACCEPTS) {
    const answer = await ask(accessToken, accept);
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: 'temporarily_unavailable' }]);
  }
});

test('the revocation endpoint refuses JWTs, which cannot be revoked', async () => {
  const { accessToken } = await server.issueToken(JWT_OF_SERVICE);
  const answer = await fetch(`${server.issuer}/token/revocation`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('service:service-secret')}` },
    body: new URLSearchParams({ token: accessToken }),
  });
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'unsupported_token_type' }]);
});

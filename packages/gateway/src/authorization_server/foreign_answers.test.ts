import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createPublishedKey, createSigningKey, type PublishedKey } from '@tallystick/testing/signing_key';
import { decodeJwt } from 'jose';
import { type ForeignServer, startForeignServer } from '../testing/foreign_server.ts';
import type { GatewayInput, RouteInput } from '../testing/gateway_config.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';
import type { SeenRequest } from '../testing/servers.ts';

/**
 * What authorization servers of others really send, as their documentation and their code have it: tokens, and answers about them.
 * Each runs through a gateway that asks a server which says exactly that.
 */

const now = Math.floor(Date.now() / 1000);
const times = { iat: now, exp: now + 300 };
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ownJwts = {
  issuer: 'https://gateway.example.com',
  signingKey: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'own-1', alg: 'ES256' }),
};

let key: PublishedKey;
let foreign: ForeignServer;
beforeAll(async () => {
  key = await createSigningKey('key-1', 'RS256');
  foreign = await startForeignServer(key);
});
afterAll(() => foreign.stop());
beforeEach(() => {
  foreign.keys = [key.jwk];
  foreign.introspect = () => ({ body: { active: false } });
});

type IssuerInput = NonNullable<GatewayInput['issuers']>[number];
type Settings = Pick<IssuerInput, 'jwts' | 'scopeClaims' | 'introspection'>;

/** A gateway with one route, for tokens of the foreign server with the audience `account`. */
async function withGateway(
  settings: Settings,
  route: Partial<RouteInput>,
  use: (fixture: GatewayFixture) => Promise<void>,
): Promise<void> {
  const fixture = await startGatewayFixture(({ routes }) => ({
    ownJwts,
    issuers: [
      {
        issuer: foreign.issuer,
        jwksUri: `${foreign.origin}/jwks`,
        introspectionEndpoint: `${foreign.origin}/introspect`,
        client: { id: 'gateway', secret: 'secret' },
        ...settings,
      },
    ],
    routes: [
      {
        prefix: '/foreign',
        upstream: routes[0]?.upstream ?? '',
        api: 'https://api.example.com/foreign',
        audience: 'account',
        issuer: foreign.issuer,
        scopes: { '*': ['read'] },
        ...route,
      },
    ],
  }));
  try {
    await use(fixture);
  } finally {
    await fixture.stop();
  }
}

/** The request that the API got. */
const given = ({ headers }: SeenRequest) => String(headers.authorization).replace('Bearer ', '');

/** @returns the status, the error if there is one, and the token that the API got */
async function call(fixture: GatewayFixture, token: string) {
  const answer = await fixture.call('/foreign', token);
  const body = await answer.text();
  const error = answer.status === 200 ? undefined : (JSON.parse(body) as { error: string }).error;
  return { status: answer.status, error, given: fixture.upstream.seen.map(given).at(-1) };
}

interface ForeignJwt {
  readonly server: string;
  readonly header: object;
  readonly claims: () => object;
  readonly settings: Settings;
}

const weakTypes = (...insecureTypes: ('JWT' | 'absent')[]) => ({ jwts: { insecureTypes } });

/** Access tokens that are JWTs. */
const jwts: readonly ForeignJwt[] = [
  {
    server: 'Keycloak',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ ...times, jti: 'onrtac:5e1b', iss: foreign.issuer, aud: 'account', sub: 'f0e1', typ: 'Bearer', azp: 'spa' },
      ...{ sid: 's1', acr: '1', 'allowed-origins': ['*'], realm_access: { roles: ['user'] }, scope: 'read email' },
    }),
    settings: weakTypes('JWT'),
  },
  {
    server: 'Keycloak, of old, with the nonce',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ ...times, jti: 'j1', iss: foreign.issuer, aud: ['account', 'else'], sub: 'f0e1', typ: 'Bearer' },
      ...{ azp: 'spa', nonce: 'n1', scope: 'read' },
    }),
    settings: weakTypes('JWT'),
  },
  {
    server: 'Keycloak, with "at+jwt" switched on',
    header: { typ: 'at+jwt', kid: 'key-1' },
    claims: () => ({
      ...times,
      jti: 'j1',
      iss: foreign.issuer,
      aud: 'account',
      sub: 'f0e1',
      azp: 'spa',
      scope: 'read',
    }),
    settings: {},
  },
  {
    server: 'Keycloak, without an audience mapper',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({ ...times, jti: 'j1', iss: foreign.issuer, sub: 'f0e1', typ: 'Bearer', azp: 'spa', scope: 'read' }),
    settings: { jwts: { insecureTypes: ['JWT'], insecureMissingAudience: true } },
  },
  {
    server: 'Entra v2',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ ...times, nbf: now, iss: foreign.issuer, aud: 'account', azp: 'c1', azpacr: '0', oid: 'o1', sub: 's1' },
      ...{ name: 'Alice', preferred_username: 'a@example.com', scp: 'read write', tid: 't1', uti: 'u1', ver: '2.0' },
    }),
    settings: { ...weakTypes('JWT'), scopeClaims: ['scp'] },
  },
  {
    server: 'Entra v1',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ ...times, nbf: now, iss: foreign.issuer, aud: 'account', appid: 'c1', appidacr: '0', oid: 'o1', sub: 's1' },
      ...{ scp: 'read', tid: 't1', ver: '1.0' },
    }),
    settings: { ...weakTypes('JWT'), scopeClaims: ['scp'] },
  },
  {
    server: 'Entra, for an application without a user, whose rights are in roles',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ ...times, nbf: now, iss: foreign.issuer, aud: 'account', azp: 'c1', azpacr: '1', idtyp: 'app', oid: 'o1' },
      ...{ roles: ['read'], sub: 'o1', tid: 't1', ver: '2.0' },
    }),
    settings: { ...weakTypes('JWT'), scopeClaims: ['scp', 'roles'] },
  },
  {
    server: 'Okta',
    header: { kid: 'key-1' },
    claims: () => ({
      ...{ ver: 1, jti: 'AT.0mP4', iss: foreign.issuer, aud: 'account', ...times, cid: 'c1', uid: 'u1' },
      ...{ scp: ['read', 'openid'], auth_time: now, sub: 'a@example.com' },
    }),
    settings: { ...weakTypes('absent'), scopeClaims: ['scp'] },
  },
  {
    server: 'Auth0',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ iss: foreign.issuer, sub: 'auth0|1', aud: ['account', `${foreign.issuer}/userinfo`], ...times },
      ...{ azp: 'c1', scope: 'openid read', permissions: ['read'] },
    }),
    settings: weakTypes('JWT'),
  },
  {
    server: 'Auth0, for a client without a user',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ iss: foreign.issuer, sub: 'c1@clients', aud: 'account', ...times },
      ...{ scope: 'read', gty: 'client-credentials', azp: 'c1' },
    }),
    settings: weakTypes('JWT'),
  },
  {
    server: 'Cognito, which has no aud',
    header: { kid: 'key-1' },
    claims: () => ({
      ...{ sub: 'aaaa', 'cognito:groups': ['g'], iss: foreign.issuer, version: 2, client_id: 'c1', origin_jti: 'o1' },
      ...{ token_use: 'access', scope: 'read', auth_time: now, ...times, jti: 'j1', username: 'alice' },
    }),
    settings: { jwts: { insecureTypes: ['absent'], insecureMissingAudience: true } },
  },
  {
    server: 'Ory Hydra',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ aud: ['account'], client_id: 'c1', ...times, ext: {}, iss: foreign.issuer, jti: 'j1', nbf: now },
      ...{ scp: ['read', 'offline'], sub: 'alice' },
    }),
    settings: { ...weakTypes('JWT'), scopeClaims: ['scp'] },
  },
  {
    server: 'Ory Hydra, without an audience',
    header: { typ: 'JWT', kid: 'key-1' },
    claims: () => ({
      ...{ aud: [], client_id: 'c1', ...times, ext: {}, iss: foreign.issuer, jti: 'j1', nbf: now },
      ...{ scp: ['read'], sub: 'alice' },
    }),
    settings: { jwts: { insecureTypes: ['JWT'], insecureMissingAudience: true }, scopeClaims: ['scp'] },
  },
  {
    server: 'Spring Authorization Server, which names no client and has scopes in a list',
    header: { kid: 'key-1' },
    claims: () => ({
      sub: 'alice',
      aud: 'account',
      nbf: now,
      scope: ['read'],
      iss: foreign.issuer,
      ...times,
      jti: 'j1',
    }),
    settings: weakTypes('absent'),
  },
  {
    server: 'Duende IdentityServer',
    header: { typ: 'at+jwt', kid: 'key-1' },
    claims: () => ({
      ...{ iss: foreign.issuer, nbf: now, ...times, aud: 'account', scope: ['openid', 'read'], amr: ['pwd'] },
      ...{ client_id: 'c1', sub: '1', auth_time: now, idp: 'local', sid: 's1', jti: 'j1' },
    }),
    settings: {},
  },
  {
    server: 'Authlete (RFC 9068)',
    header: { typ: 'at+jwt', kid: 'key-1' },
    claims: () => ({
      ...{ sub: '1001', scope: 'read', iss: foreign.issuer, ...times, aud: ['account'], client_id: '1', jti: 'j1' },
    }),
    settings: {},
  },
];

/** ID tokens of the same servers. Their `aud`, the client, equals the audience of the route. */
const idTokens: readonly ForeignJwt[] = [
  ['Keycloak', 'JWT', { typ: 'ID', azp: 'account', nonce: 'n', at_hash: 'h', sid: 's', acr: '1' }],
  ['Entra', 'JWT', { nbf: now, oid: 'o1', preferred_username: 'a@example.com', tid: 't1', ver: '2.0', uti: 'u' }],
  ['Entra, with roles', 'JWT', { nbf: now, oid: 'o1', roles: ['read'], tid: 't1', ver: '2.0', nonce: 'n' }],
  ['Okta', undefined, { ver: 1, jti: 'ID.1', amr: ['pwd'], idp: 'i1', nonce: 'n', auth_time: now, at_hash: 'h' }],
  ['Auth0', 'JWT', { nickname: 'a', name: 'a', sid: 's1' }],
  ['Cognito', undefined, { token_use: 'id', 'cognito:username': 'alice', auth_time: now, origin_jti: 'o', jti: 'j' }],
  ['Ory Hydra', 'JWT', { at_hash: 'h', auth_time: now, jti: 'j1', rat: now, sid: 's1' }],
  ['Spring Authorization Server', undefined, { azp: 'account', auth_time: now, sid: 's1', jti: 'j1' }],
  ['Google', 'JWT', { azp: 'account', hd: 'example.com', email: 'a@example.com' }],
].map(([server, typ, claims]) => ({
  server: server as string,
  header: { ...(typ !== undefined && { typ }), kid: 'key-1' },
  claims: () => ({ iss: foreign.issuer, sub: 'alice', aud: 'account', ...times, ...(claims as object) }),
  settings: { ...weakTypes('JWT', 'absent'), scopeClaims: ['scope', 'scp', 'roles'] },
}));

describe('A JWT of another authorization server', () => {
  test.each(jwts.map((jwt) => [jwt.server, jwt] as const))(
    'is accepted: %s',
    async (_, { header, claims, settings }) => {
      await withGateway(settings, { accessTokens: 'jwt' }, async (fixture) => {
        const token = await foreign.sign(header, claims());
        expect(await call(fixture, token)).toEqual({ status: 200, error: undefined, given: token });
      });
    },
  );

  const weaker = jwts.filter(({ settings }) => settings.jwts !== undefined || settings.scopeClaims !== undefined);
  test.each(weaker.map((jwt) => [jwt.server, jwt] as const))(
    'is refused without the settings: %s',
    async (_, { header, claims }) => {
      await withGateway({}, { accessTokens: 'jwt' }, async (fixture) => {
        const { status, given: got } = await call(fixture, await foreign.sign(header, claims()));
        expect([status, got]).toEqual([401, undefined]);
      });
    },
  );

  test.each(idTokens.map((jwt) => [jwt.server, jwt] as const))(
    'is refused when it is an ID token, even with the most permissive settings: %s',
    async (_, { header, claims, settings }) => {
      await withGateway(settings, { accessTokens: 'jwt', scopes: { '*': [] } }, async (fixture) => {
        const { status, error } = await call(fixture, await foreign.sign(header, claims()));
        expect([status, error]).toEqual([401, 'invalid_token']);
      });
    },
  );

  const good = () => ({ ...times, iss: foreign.issuer, aud: 'account', sub: 'alice', client_id: 'c1', scope: 'read' });

  test('without kid is verified with each suitable key', async () => {
    const other = await createPublishedKey('RS256', { use: 'sig' });
    const { kid: _, ...nameless } = key.jwk;
    foreign.keys = [{ ...other.jwk, use: 'enc' }, other.jwk, nameless];
    await withGateway({}, { accessTokens: 'jwt' }, async (fixture) => {
      for (const { privateKey: signingKey } of [key, other]) {
        expect((await call(fixture, await foreign.sign({ typ: 'at+jwt' }, good(), signingKey))).status).toBe(200);
      }
      const impostor = await createPublishedKey('RS256');
      expect((await call(fixture, await foreign.sign({ typ: 'at+jwt' }, good(), impostor.privateKey))).status).toBe(
        401,
      );
    });
  });

  test('whose kid two keys have is verified with the right one, and again when one of them is withdrawn', async () => {
    const other = await createPublishedKey('RS256', { kid: 'key-1', use: 'sig' });
    foreign.keys = [other.jwk, key.jwk];
    await withGateway({}, { accessTokens: 'jwt' }, async (fixture) => {
      const [first, second] = await Promise.all(
        [key, other].map(({ privateKey: by }) => foreign.sign({ typ: 'at+jwt', kid: 'key-1' }, good(), by)),
      );
      expect((await call(fixture, first ?? '')).status).toBe(200);
      expect((await call(fixture, second ?? '')).status).toBe(200);
      foreign.keys = [key.jwk];
      await fixture.gateway.keys.get(foreign.issuer)?.refresh();
      expect((await call(fixture, first ?? '')).status).toBe(200);
      expect((await call(fixture, second ?? '')).status).toBe(401);
    });
  });

  test.each(['RS512', 'PS384'] as const)('with %s is accepted only where that algorithm is allowed', async (alg) => {
    const strong = await createPublishedKey(alg, { kid: 'strong' });
    foreign.keys = [strong.jwk];
    const token = await foreign.sign({ alg, typ: 'at+jwt', kid: 'strong' }, good(), strong.privateKey);
    for (const [settings, status] of [
      [{ jwts: { algorithms: [alg] } }, 200],
      [{}, 401],
    ] as const) {
      await withGateway(settings, { accessTokens: 'jwt' }, async (fixture) => {
        expect((await call(fixture, token)).status).toBe(status);
      });
    }
  });
});

interface ForeignIntrospection {
  readonly server: string;
  readonly answer: () => Record<string, unknown>;
  readonly settings?: Settings;
  /** Claims of the JWT that the API gets. */
  readonly expected: Record<string, unknown>;
}

const about = (introspection: Settings['introspection'] & object) => ({ introspection });
const active = { active: true };

/** Answers about active access tokens (RFC 7662). */
const introspections: readonly ForeignIntrospection[] = [
  {
    server: 'Keycloak',
    answer: () => ({
      ...{ ...times, jti: 'j1', iss: foreign.issuer, aud: 'account', sub: 'f0e1', typ: 'Bearer', azp: 'spa' },
      ...{ scope: 'read email', client_id: 'spa', username: 'alice', token_type: 'Bearer', ...active },
    }),
    expected: { sub: 'f0e1', client_id: 'spa', scope: 'read email' },
  },
  {
    server: 'Keycloak, of old, without client_id and token_type, for no audience',
    answer: () => ({ ...times, iss: foreign.issuer, sub: 'f0e1', typ: 'Bearer', azp: 'spa', scope: 'read', ...active }),
    settings: about({ audience: 'optional' }),
    expected: { sub: 'f0e1', client_id: 'spa', scope: 'read' },
  },
  {
    server: 'Ory Hydra, whose aud is empty',
    answer: () => ({
      ...{ ...active, scope: 'read', client_id: 'c1', sub: 'alice', ...times, nbf: now, aud: [], ext: {} },
      ...{ iss: foreign.issuer, token_type: 'Bearer', token_use: 'access_token' },
    }),
    settings: about({ audience: 'optional' }),
    expected: { sub: 'alice', client_id: 'c1', scope: 'read' },
  },
  {
    server: 'Ory Hydra, of old, without token_type',
    answer: () => ({
      ...active,
      scope: 'read',
      client_id: 'c1',
      sub: 'a',
      ...times,
      aud: [],
      token_use: 'access_token',
    }),
    settings: about({ audience: 'optional' }),
    expected: { sub: 'a', client_id: 'c1' },
  },
  {
    server: 'Okta',
    answer: () => ({
      ...{
        ...active,
        token_type: 'Bearer',
        scope: 'read openid',
        client_id: 'c1',
        username: 'a@example.com',
        ...times,
      },
      ...{ sub: 'a@example.com', device_id: 'd1', aud: 'account', iss: foreign.issuer, jti: 'AT.1', uid: 'u1' },
    }),
    expected: { sub: 'a@example.com', client_id: 'c1' },
  },
  {
    server: 'Authlete, with resources for an audience',
    answer: () => ({
      ...{ ...active, scope: 'read', client_id: '1', sub: '1001', iss: foreign.issuer, token_type: 'Bearer', ...times },
      ...{ aud: ['https://api.example.com/other', 'account'] },
    }),
    expected: { sub: '1001', client_id: '1' },
  },
  {
    server: 'Spring Authorization Server',
    answer: () => ({
      ...{ ...active, sub: 'alice', aud: ['account'], nbf: now, scope: 'read', iss: foreign.issuer, ...times },
      ...{ jti: 'j1', client_id: 'c1', token_type: 'Bearer' },
    }),
    expected: { sub: 'alice', client_id: 'c1' },
  },
  {
    server: 'Spring Security OAuth, of old, with scopes in a list and without sub',
    answer: () => ({
      aud: ['account'],
      user_name: 'alice',
      scope: ['read'],
      ...active,
      exp: now + 300,
      client_id: 'c1',
    }),
    expected: { sub: 'c1', client_id: 'c1', scope: 'read' },
  },
  {
    server: 'Duende IdentityServer, whose token_type is access_token',
    answer: () => ({
      ...{ iss: foreign.issuer, nbf: now, ...times, aud: 'account', client_id: 'c1', jti: '44FD', scope: 'read' },
      ...{ token_type: 'access_token', ...active },
    }),
    expected: { sub: 'c1', client_id: 'c1', scope: 'read' },
  },
  {
    server: 'Janssen, with null for unknown members',
    answer: () => ({
      ...{ sub: 'alice', iss: foreign.issuer, ...active, token_type: 'Bearer', client_id: '1800', aud: 'account' },
      ...{ nbf: null, scope: 'read', acr_values: null, cnf: null, ...times, jti: null, username: null },
    }),
    expected: { sub: 'alice', client_id: '1800' },
  },
  {
    server: 'with scp',
    answer: () => ({ ...active, sub: 'alice', client_id: 'c1', aud: 'account', scp: ['read', 'write'] }),
    settings: { scopeClaims: ['scope', 'scp'], introspection: { accept: 'application/json' } },
    expected: { scope: 'read write' },
  },
  {
    server: 'without client and type, as RFC 7662 allows',
    answer: () => ({ ...active, sub: 'alice', aud: 'account', scope: 'read' }),
    expected: { sub: 'alice', client_id: undefined },
  },
  {
    server: 'with the least possible, where the settings allow it',
    answer: () => ({ ...active, sub: 'alice', scope: 'read' }),
    settings: about({ audience: 'optional', insecureMissingTokenType: true }),
    expected: { sub: 'alice', aud: ['account'] },
  },
];

/** Tokens from examples in RFCs and elsewhere. */
const references = [
  '2YotnFZFEjr1zCsicMWpAA==',
  '2YotnFZFEjr1zCsicMWpAA',
  'mF_9.B5f-4.1JqM',
  'vF9dft4qmT',
  'ory_at_ZmYw~x.y+z/a',
  'a'.repeat(4_000),
];

describe('An introspection answer of another authorization server', () => {
  const json = { accept: 'application/json' } as const;

  test.each(introspections.map((case_) => [case_.server, case_] as const))(
    'is accepted: %s',
    async (_, { answer, settings = {}, expected }) => {
      foreign.introspect = () => ({ body: answer() });
      const introspection = { ...json, ...settings.introspection };
      await withGateway({ ...settings, introspection }, { accessTokens: 'phantom' }, async (fixture) => {
        const { status, given: jwt = '' } = await call(fixture, 'reference-of-theirs');
        expect(status).toBe(200);
        expect(decodeJwt(jwt)).toMatchObject({ iss: ownJwts.issuer, aud: ['account'] });
        const { client_id, scope, sub, aud } = decodeJwt(jwt) as Record<string, unknown>;
        expect({ client_id, scope, sub, aud }).toMatchObject(expected);
      });
    },
  );

  test.each(references)('may be about any token: %s', async (reference) => {
    foreign.introspect = (token) => ({
      body: { active: token === reference, sub: 'alice', aud: 'account', scope: 'read' },
    });
    await withGateway({ introspection: json }, { accessTokens: 'phantom' }, async (fixture) => {
      expect((await call(fixture, reference)).status).toBe(200);
      expect(foreign.asked.at(-1)).toContain(`token=${encodeURIComponent(reference)}`.replaceAll('~', '%7E'));
    });
    await withGateway({}, { accessTokens: 'opaque' }, async (fixture) => {
      expect(await call(fixture, reference)).toMatchObject({ status: 200, given: reference });
    });
  });

  test('that does not say that the token is an access token is refused where the audience is optional', async () => {
    foreign.introspect = () => ({ body: { ...active, sub: 'alice', scope: 'read' } });
    const introspection = { ...json, audience: 'optional' } as const;
    await withGateway({ introspection }, { accessTokens: 'phantom' }, async (fixture) => {
      expect((await call(fixture, 'reference-of-theirs')).status).toBe(401);
    });
  });

  test.each([[], undefined, null])('with the audience %j is refused where one is required', async (aud) => {
    foreign.introspect = () => ({
      body: { ...active, sub: 'a', client_id: 'c', scope: 'read', token_type: 'Bearer', aud },
    });
    await withGateway({ introspection: json }, { accessTokens: 'phantom' }, async (fixture) => {
      expect((await call(fixture, 'reference-of-theirs')).status).toBe(401);
    });
  });

  describe('with the JWT in a member', () => {
    const claims = () => ({ ...times, iss: foreign.issuer, aud: 'account', sub: 'f0e1', typ: 'Bearer', azp: 'spa' });
    const accepts = ['application/jwt', 'application/json'] as const;

    test.each(accepts.flatMap((accept) => ['jwt', 'phantom_token'].map((member) => [accept, member] as const)))(
      'is replaced by that JWT, with Accept: %s and the member %s',
      async (accept, member) => {
        const jwt = await foreign.sign({ typ: 'JWT', kid: 'key-1' }, { ...claims(), scope: 'read' });
        foreign.introspect = (_token, headers) => ({
          body: { ...claims(), active: headers.accept === accept, [member]: jwt },
        });
        await withGateway(
          { introspection: { accept }, jwts: { insecureTypes: ['JWT'] } },
          { accessTokens: 'phantom' },
          async (fixture) => {
            expect(await call(fixture, 'reference-of-theirs')).toEqual({ status: 200, error: undefined, given: jwt });
          },
        );
      },
    );

    test.each<[string, object, object, number, string]>([
      ['of another issuer', {}, { iss: 'https://other.example.com' }, 502, 'invalid_validator_response'],
      ['of a type that is not allowed', { typ: undefined }, {}, 502, 'invalid_validator_response'],
      ['that is an ID token', {}, { typ: 'ID' }, 502, 'invalid_validator_response'],
      ['for another audience', {}, { aud: 'other' }, 401, 'invalid_token'],
      ['without an audience', {}, { aud: undefined }, 401, 'invalid_token'],
      ['that has expired', {}, { exp: now - 1 }, 401, 'invalid_token'],
      ['without the scope', {}, { scope: 'email' }, 403, 'insufficient_scope'],
    ])('has that JWT validated like any other: one %s', async (_, header, changes, status, error) => {
      const jwt = await foreign.sign(
        { typ: 'JWT', kid: 'key-1', ...header },
        { ...claims(), scope: 'read', ...changes },
      );
      foreign.introspect = () => ({ body: { active: true, jwt } });
      await withGateway({ jwts: { insecureTypes: ['JWT'] } }, { accessTokens: 'phantom' }, async (fixture) => {
        expect(await call(fixture, 'reference-of-theirs')).toEqual({ status, error, given: undefined });
      });
    });

    test('is refused when it says that the token is not active', async () => {
      const jwt = await foreign.sign({ typ: 'JWT', kid: 'key-1' }, { ...claims(), scope: 'read' });
      foreign.introspect = () => ({ body: { active: false, jwt } });
      await withGateway({ jwts: { insecureTypes: ['JWT'] } }, { accessTokens: 'phantom' }, async (fixture) => {
        expect((await call(fixture, 'reference-of-theirs')).status).toBe(401);
      });
    });
  });
});

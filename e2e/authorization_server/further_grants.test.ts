import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import {
  call,
  demoBackend,
  demoService,
  demoWeb,
  introspect,
  renderedClaims,
  shown,
} from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type Style, type World } from '../support/worlds/world.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const IDP = 'https://idp.example.com';
const PASSWORD = 'correct horse battery staple';

let world: World;
let assertion: (claims?: Record<string, unknown>) => Promise<string>;

/** The demo with a trusted issuer and with passwords. */
beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kty: 'EC' as const, alg: 'ES256' };
  world = await startOneProcess((config) => ({
    ...config,
    authorizationServer: { ...config.authorizationServer, insecurePasswordGrant: true },
    trustedIssuers: [{ issuer: IDP, jwks: { keys: [jwk] } }],
    users: config.users?.map((user) => ({ ...user, password: PASSWORD })),
    clients: config.clients.map((client) =>
      client.id === 'demo-service'
        ? { ...client, grants: ['client_credentials' as const, 'jwt_bearer' as const, 'password' as const] }
        : client,
    ),
  }));
  world.log.secret(PASSWORD);
  assertion = async (claims = {}) => {
    const jwt = await new SignJWT({ iss: IDP, sub: 'alice', aud: world.issuer, ...claims })
      .setProtectedHeader({ alg: 'ES256' })
      .setJti(crypto.randomUUID())
      .setExpirationTime('1m')
      .sign(privateKey);
    world.log.secret(jwt);
    return jwt;
  };
});
afterAll(() => world.stop());

/** Each grant as openid-client uses it, with the subject of its token. */
const GRANTS: Record<string, { subject: string; client: string; token: (style: Style) => Promise<string> }> = {
  [TOKEN_EXCHANGE]: {
    subject: 'alice',
    client: 'demo-backend',
    token: async (style) => {
      const { tokens } = await signIn(world, { style: 'phantom' });
      const parameters = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN };
      return request(await demoBackend(world), TOKEN_EXCHANGE, style, parameters);
    },
  },
  [JWT_BEARER]: {
    subject: 'alice',
    client: 'demo-service',
    token: async (style) =>
      request(await demoService(world), JWT_BEARER, style, { assertion: await assertion(), scope: 'read' }),
  },
  password: {
    subject: 'alice',
    client: 'demo-service',
    token: async (style) =>
      request(await demoService(world), 'password', style, { username: 'alice', password: PASSWORD, scope: 'read' }),
  },
};

async function request(client: oidc.Configuration, grant: string, style: Style, parameters: Record<string, string>) {
  const answer = await oidc.genericGrantRequest(client, grant, { resource: resourceOf(style), ...parameters });
  return answer.access_token;
}

test.each(Object.keys(GRANTS).flatMap((grant) => STYLES.map((style) => [grant, style] as const)))(
  requirement('every-grant-every-style', '%s, %s'),
  async (grant, style) => {
    const { subject, client, token } = GRANTS[grant] as (typeof GRANTS)[string];
    const accessToken = await token(style);
    world.log.secret(accessToken);
    if (style === 'jwt') expect(accessToken.split('.')).toHaveLength(3);
    else expect(accessToken).toMatch(/^[\w-]{43,}$/);
    const { claims } = await shown(world.gateways[0], style, accessToken);
    expect(claims).toMatchObject({ sub: subject, client_id: client, aud: resourceOf(style), scope: 'read' });
    expect(claims.email).toBe(subject === 'alice' ? 'alice@example.com' : undefined);
    expect((await call(world.gateways[0], style, accessToken, { method: 'POST' })).status).toBe(403);
  },
);

test.each(Object.keys(GRANTS).flatMap((grant) => STYLES.map((style) => [grant, style])))(
  requirement('introspection-agrees', '%s, %s'),
  async (grant, style) => {
    const token = await (GRANTS[grant] as (typeof GRANTS)[string]).token(style as Style);
    world.log.secret(token);
    const { jti: _, ...claims } = await renderedClaims(world, token);
    expect(await introspect(world, token)).toMatchObject(claims);
  },
);

test(requirement('grants-in-discovery'), async () => {
  const all = (await demoWeb(world)).serverMetadata();
  expect(all.grant_types_supported).toEqual(expect.arrayContaining(Object.keys(GRANTS)));
  const demo = await startOneProcess();
  const { grant_types_supported: supported } = (await demoWeb(demo)).serverMetadata();
  await demo.stop();
  expect(supported).toContain(TOKEN_EXCHANGE);
  expect(supported).not.toContain(JWT_BEARER);
  expect(supported).not.toContain('password');
});

test(requirement('assertion-works-once'), async () => {
  const client = await demoService(world);
  const jwt = await assertion();
  await request(client, JWT_BEARER, 'phantom', { assertion: jwt });
  await expect(request(client, JWT_BEARER, 'phantom', { assertion: jwt })).rejects.toMatchObject({
    error: 'invalid_grant',
  });
});

test.each([
  ['another audience', { aud: 'https://other.example.com' }],
  ['another issuer', { iss: 'https://evil.example.com' }],
  ['an unknown user', { sub: 'mallory' }],
])(requirement('assertion-is-checked', '%s'), async (_what, claims) => {
  const jwt = await assertion(claims);
  await expect(request(await demoService(world), JWT_BEARER, 'phantom', { assertion: jwt })).rejects.toMatchObject({
    error: 'invalid_grant',
  });
});

test(requirement('password-is-insecure'), async () => {
  expect(world.log.text()).toContain('insecurePasswordGrant');
  const wrong = { username: 'alice', password: 'wrong' };
  await expect(request(await demoService(world), 'password', 'phantom', wrong)).rejects.toMatchObject({
    error: 'invalid_grant',
  });
});

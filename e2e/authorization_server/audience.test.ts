import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoBackend, introspect, issuedClaims, serviceToken, shown } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const AUDIENCES = {
  jwt: 'urn:orders',
  opaque: 'orders-opaque',
  phantom: ['urn:everything', resourceOf('phantom')],
  split: ['urn:orders:split', 'urn:everything'],
} as const;

let world: Controlled;
beforeAll(async () => {
  world = await startControlled((config) => ({
    ...config,
    apis: config.apis.map((api) => {
      const audience = AUDIENCES[api.accessTokens as Style];
      return { ...api, audience: typeof audience === 'string' ? audience : [...audience] };
    }),
  }));
});
afterAll(() => world.stop());
afterEach(() => world.tallystick.reset());

test.each(STYLES)(requirement('audience', '%s: JWT, introspection, gateway and API agree'), async (style) => {
  const { tokens } = await signIn(world, { style });
  const minted = await world.mint(style);
  for (const token of [await serviceToken(world, style), tokens.access_token, minted.accessToken]) {
    expect((await issuedClaims(world, style, token)).aud).toEqual(AUDIENCES[style]);
    expect((await shown(world.gateways[0], style, token)).claims.aud).toEqual(AUDIENCES[style]);
    if (style !== 'jwt') expect((await introspect(world, token)).aud).toEqual(AUDIENCES[style]);
  }
});

test.each(STYLES)(requirement('audience', '%s: a token for another audience is refused'), async (style) => {
  const wrong = await world.mint(style, { defect: 'wrong_audience' });
  expect((await call(world.gateways[0], style, wrong.accessToken)).status).toBe(401);
  const atApi = style === 'opaque' ? wrong.accessToken : wrong.jwt;
  expect((await call(world.sampleApi, style, atApi)).status).toBe(401);
});

test.each(STYLES)(requirement('audience', '%s: the token and its JWT can be exchanged'), async (style) => {
  const backend = await demoBackend(world);
  const { tokens } = await signIn(world, { style });
  const atApi = style === 'opaque' ? tokens.access_token : await jwtAtApi(style, tokens.access_token);
  for (const subject of [tokens.access_token, atApi]) {
    const exchanged = await oidc.genericGrantRequest(backend, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: subject,
      subject_token_type: ACCESS_TOKEN,
      resource: resourceOf('split'),
    });
    world.log.secret(exchanged.access_token);
    expect((await shown(world.gateways[0], 'split', exchanged.access_token)).claims).toMatchObject({
      sub: 'alice',
      aud: AUDIENCES.split,
    });
  }
});

test(requirement('audience', 'a token keeps the audience that it was issued with'), async () => {
  const before = await serviceToken(world, 'opaque');
  const api = { resource: resourceOf('opaque'), accessTokens: 'opaque', scopes: ['read'] };
  expect((await world.control('PUT', '/apis', api)).status).toBe(200);
  const after = await serviceToken(world, 'opaque');
  expect((await introspect(world, before)).aud).toBe(AUDIENCES.opaque);
  expect((await introspect(world, after)).aud).toBe(resourceOf('opaque'));
});

/** The JWT that the API gets for a token. */
async function jwtAtApi(style: Style, token: string): Promise<string> {
  const { headers } = await shown(world.gateways[0], style, token);
  return String(headers.authorization).replace('Bearer ', '');
}

test(requirement('audience', 'a JWT that could belong to several APIs is not exchanged'), async () => {
  const token = await serviceToken(world, 'jwt');
  const backend = await demoBackend(world);
  const exchange = () =>
    oidc.genericGrantRequest(backend, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: token,
      subject_token_type: ACCESS_TOKEN,
    });
  world.log.secret((await exchange()).access_token);
  const twin = { resource: resourceOf('phantom'), scopes: ['read'], audience: [AUDIENCES.jwt] };
  expect((await world.control('PUT', '/apis', twin)).status).toBe(200);
  await expect(exchange()).rejects.toMatchObject({ error: 'invalid_request' });
});

test(requirement('audience', 'introspection as a JWT'), async () => {
  const { accessToken } = await world.mint('split');
  const answer = await fetch(`${world.issuer}/token/introspection`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa('gateway:gateway-secret')}`,
      Accept: 'application/token-introspection+jwt',
    },
    body: new URLSearchParams({ token: accessToken }),
  });
  const { token_introspection: introspection } = decodeJwt(await answer.text());
  expect(introspection).toMatchObject({ active: true, aud: AUDIENCES.split });
});

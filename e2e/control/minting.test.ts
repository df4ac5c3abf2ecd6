import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { requirement } from '../requirements/index.ts';
import { call, shown } from '../support/clients/clients.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

const DEFECTS = [
  'expired',
  'not_yet_valid',
  'wrong_issuer',
  'wrong_audience',
  'wrong_typ',
  'alg_none',
  'unknown_key',
  'halves_do_not_match',
] as const;

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());

describe.each(STYLES)('in the %s style', (style) => {
  test(requirement('minted-token-works'), async () => {
    const { accessToken, jwt } = await world.mint(style, { user: 'alice', claims: { tier: 'gold' }, expiresIn: 60 });
    const seen = await shown(world.gateways[0], style, accessToken);
    expect(seen.claims).toMatchObject({ sub: 'alice', scope: 'read', tier: 'gold', email: 'alice@example.com' });
    const keys = createRemoteJWKSet(new URL(`${world.issuer}/jwks`));
    await jwtVerify(jwt, keys, { issuer: world.issuer, audience: resourceOf(style), typ: 'at+jwt' });
    expect((await call(world.gateways[0], style, accessToken, { method: 'POST' })).status).toBe(403);
  });

  test(requirement('minted-token-works', 'bound to a key'), async () => {
    const { jwt } = await world.mint(style, { confirmation: { jkt: 'thumbprint' } });
    expect(decodeJwt(jwt).cnf).toEqual({ jkt: 'thumbprint' });
  });

  test.each(DEFECTS)(requirement('broken-token-is-401', '%s'), async (defect) => {
    const { accessToken, jwt } = await world.mint(style, { defect });
    const atGateway = await call(world.gateways[0], style, accessToken);
    const atApi = await call(world.sampleApi, style, style === 'opaque' ? accessToken : jwt);
    for (const answer of [atGateway, atApi]) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    }
  });
});

test(requirement('minted-token-works', 'at userinfo'), async () => {
  const { accessToken } = await world.tallystick.token({
    client: 'demo-web',
    user: 'bob',
    scopes: ['openid', 'email'],
  });
  world.log.secret(accessToken);
  const answer = await fetch(`${world.issuer}/me`, { headers: { Authorization: `Bearer ${accessToken}` } });
  expect(await answer.json()).toMatchObject({ sub: 'bob', email: 'bob@example.com' });
});

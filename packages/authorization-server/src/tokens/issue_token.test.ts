import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { decodeJwt } from 'jose';
import { type AuthorizationServer, createAuthorizationServer } from '../create_authorization_server.ts';
import { resourceOf, STYLES, silent, testConfiguration } from '../testing/test_server.ts';
import { DEFECTS, WRONG_AUDIENCE, WRONG_ISSUER } from './broken_jwt.ts';
import { TokenRequestError } from './issue_token.ts';

const ISSUER = 'http://localhost:4000';

let store: TokenStore;
let authorizationServer: AuthorizationServer;

beforeEach(async () => {
  store = await openTokenStore(storeConfig());
  authorizationServer = await createAuthorizationServer(testConfiguration(ISSUER), { store, log: silent });
});

afterEach(() => store.close());

describe.each(STYLES)('a %s token issued without a flow', (style) => {
  test('has a user, the configured and requested claims, and the requested lifetime', async () => {
    const { accessToken, jwt, expiresAt, tokenType } = await authorizationServer.issueToken({
      client: 'service',
      user: 'alice',
      api: resourceOf(style),
      scopes: ['read'],
      claims: { role: 'admin' },
      lifetime: 60,
      confirmation: { jkt: 'thumbprint' },
    });
    const claims = decodeJwt(String(jwt));
    expect(claims).toMatchObject({
      iss: ISSUER,
      sub: 'alice',
      aud: resourceOf(style),
      client_id: 'service',
      scope: 'read',
      email: 'alice@example.com',
      role: 'admin',
      cnf: { jkt: 'thumbprint' },
      exp: expiresAt,
    });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(60);
    expect(tokenType).toBe('DPoP');
    expect(accessToken === jwt).toBe(style === 'jwt');
    if (style === 'split') expect(jwt?.endsWith(`.${accessToken}`)).toBe(true);
  });

  test('has the client as its subject without a user', async () => {
    const { jwt } = await authorizationServer.issueToken({ client: 'service', api: resourceOf(style) });
    expect(decodeJwt(String(jwt))).toMatchObject({ sub: 'service', client_id: 'service' });
  });

  test.each(DEFECTS)('has exactly the requested defect: %s', async (defect) => {
    const { accessToken, jwt = '' } = await authorizationServer.issueToken({
      client: 'service',
      api: resourceOf(style),
      scopes: ['read'],
      defect,
    });
    const claims = decodeJwt(jwt);
    const now = Date.now() / 1000;
    expect({
      expired: Number(claims.exp) <= now,
      not_yet_valid: Number(claims.nbf ?? 0) > now,
      wrong_issuer: claims.iss === WRONG_ISSUER,
      wrong_audience: claims.aud === WRONG_AUDIENCE,
      wrong_typ: header(jwt).typ !== 'at+jwt',
      alg_none: header(jwt).alg === 'none',
      unknown_key: header(jwt).kid === 'unknown',
      halves_do_not_match: defect === 'halves_do_not_match',
    }).toEqual({ ...Object.fromEntries(DEFECTS.map((each) => [each, false])), [defect]: true });
    if (style !== 'split') return;
    const signingInput = jwt.slice(0, jwt.lastIndexOf('.'));
    await expect(store.splitEntries.find(accessToken)).resolves.toBe(signingInput);
  });
});

function header(jwt: string): { typ?: string; alg?: string; kid?: string } {
  return JSON.parse(Buffer.from(String(jwt.split('.')[0]), 'base64url').toString());
}

test('a token for userinfo has no API and no JWT', async () => {
  const issued = await authorizationServer.issueToken({ client: 'service', user: 'alice' });
  expect(issued).toEqual({ accessToken: expect.any(String), tokenType: 'Bearer', expiresAt: expect.any(Number) });
});

test.each([
  ['client', { client: 'nobody', api: resourceOf('jwt') }],
  ['user', { client: 'service', user: 'no body', api: resourceOf('jwt') }],
  ['api', { client: 'service', api: 'https://nowhere.example' }],
  ['api', { client: 'service' }],
  ['scopes[1]', { client: 'service', api: resourceOf('jwt'), scopes: ['read', 'fly'] }],
  ['claims.sub', { client: 'service', api: resourceOf('jwt'), claims: { sub: 'root' } }],
  ['defect', { client: 'service', user: 'alice', defect: 'expired' }],
] as const)('what no flow could have issued is refused, naming %s', async (path, request) => {
  const issued = authorizationServer.issueToken(request);
  await expect(issued).rejects.toThrow(TokenRequestError);
  await expect(issued).rejects.toMatchObject({ path });
});

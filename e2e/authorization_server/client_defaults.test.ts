import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  createBrowser,
  discover,
  follow,
  followToCallback,
  open,
  REDIRECT_URI,
  submit,
} from '@tallystick/testing/sign_in';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoWeb } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

const SECRET = 'one-secret';
const LONG_SECRET = 'one secret of at least 32 characters';

const previews = { redirectUris: ['https://*.app.test/callback'] };

let world: OneProcess;
beforeAll(async () => {
  world = await startOneProcess((config) => ({
    ...config,
    authorizationServer: { defaultApi: resourceOf('phantom'), reuseGrace: { refreshToken: 60 } },
    scopes: { groups: ['role'] },
    clients: [
      ...config.clients,
      {
        id: 'confidential',
        secret: SECRET,
        grants: ['authorization_code', 'refresh_token', 'client_credentials'],
        redirectUris: [REDIRECT_URI],
      },
      {
        id: 'keeps',
        grants: ['authorization_code', 'refresh_token'],
        redirectUris: [REDIRECT_URI],
        rotateRefreshTokens: false,
      },
      {
        id: 'asserts',
        secret: LONG_SECRET,
        grants: ['authorization_code', 'client_credentials'],
        redirectUris: [REDIRECT_URI],
        metadata: { token_endpoint_auth_method: 'client_secret_jwt', userinfo_signed_response_alg: 'ES256' },
      },
      { ...previews, id: 'previews', grants: ['authorization_code'], insecureRedirectUriPatterns: true },
    ],
  }));
});
afterAll(() => world.stop());

const confidential = () => discover(world, 'confidential', SECRET, oidc.ClientSecretBasic(SECRET));

const VERIFIER = 'v'.repeat(43);
const CHALLENGE = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' };

/** The parameters of the redirect that answers an authorization request at once. */
async function answerAtOnce(client: string, parameters: Record<string, string>): Promise<Record<string, string>> {
  const query = new URLSearchParams({
    ...{ client_id: client, response_type: 'code', redirect_uri: REDIRECT_URI },
    ...parameters,
  });
  const { headers } = await open(createBrowser(world), `${world.issuer}/auth?${query}`);
  return Object.fromEntries(new URL(String(headers.location), world.issuer).searchParams);
}

test(requirement('pkce-of-public-clients'), async () => {
  expect(await answerAtOnce('demo-web', { scope: 'openid' })).toMatchObject({ error: 'invalid_request' });
  expect(await answerAtOnce('confidential', { scope: 'openid' })).not.toHaveProperty('error');
});

test(requirement('rs256-id-tokens'), async () => {
  const { tokens } = await signIn(world, { style: 'split' });
  expect(decodeProtectedHeader(String(tokens.id_token)).alg).toBe('RS256');
  const { keys } = (await (await fetch(`${world.issuer}/jwks`)).json()) as { keys: { alg: string }[] };
  expect(keys.map(({ alg }) => alg)).toEqual(['ES256', 'RS256']);
});

test.each([undefined, ...STYLES])(requirement('claims-of-scopes', 'the token is for: %s'), async (style) => {
  const { client, tokens } = await signIn(world, { ...(style && { style }), scope: 'openid email groups read' });
  const claims = style ? { email: 'alice@example.com', role: 'admin' } : { email: 'alice@example.com' };
  expect(decodeJwt(String(tokens.id_token))).toMatchObject(claims);
  expect(await oidc.fetchUserInfo(client, tokens.access_token, 'alice')).toMatchObject(claims);
});

test(requirement('granted-scope'), async () => {
  const { client, tokens } = await signIn(world, { style: 'jwt', scope: 'openid offline_access read unknown' });
  expect(tokens.scope?.split(' ').sort()).toEqual(['offline_access', 'openid', 'read']);
  const scope = 'openid offline_access read unknown';
  const refreshed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token), { scope });
  world.log.secret(refreshed.access_token, refreshed.refresh_token, refreshed.id_token);
  expect(refreshed.scope?.split(' ').sort()).toEqual(['offline_access', 'openid', 'read']);
});

test(requirement('granted-scope', 'a request without a known scope fails at once'), async () => {
  const challenge = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' };
  for (const parameters of [{}, { scope: 'unknown' }])
    expect(await answerAtOnce('demo-web', { ...challenge, ...parameters })).toMatchObject({ error: 'invalid_scope' });
});

test.each([
  [{}, 'phantom'],
  [{ audience: resourceOf('split') }, 'split'],
  [{ audience: resourceOf('split'), resource: resourceOf('split') }, 'split'],
])(requirement('default-api', '%j: %s'), async (parameters, style) => {
  const tokens = await oidc.clientCredentialsGrant(await confidential(), { scope: 'read', ...parameters });
  world.log.secret(tokens.access_token);
  const answer = await fetch(`${world.gateways[0]}/${style}/hello`, {
    headers: { Authorization: `Bearer ${tokens.access_token}` },
  });
  expect(answer.status).toBe(200);
});

test(requirement('no-forced-pages'), async () => {
  const { browser } = await signIn(world);
  const url = oidc.buildAuthorizationUrl(await demoWeb(world), {
    ...{ redirect_uri: REDIRECT_URI, scope: 'openid profile email', prompt: 'none' },
    ...{ code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' },
  });
  const { headers } = await open(browser, url);
  expect(new URL(String(headers.location)).searchParams.has('code')).toBe(true);
});

test(requirement('posted-authorization-request'), async () => {
  const { browser } = await signIn(world);
  const request = {
    ...{ client_id: 'demo-web', response_type: 'code', redirect_uri: REDIRECT_URI },
    ...{ scope: 'openid profile email', prompt: 'none', ...CHALLENGE },
  };
  const posted = await open(browser, `${world.issuer}/auth`, request);
  const { headers } = await open(browser, String(posted.headers.location));
  expect(new URL(String(headers.location)).searchParams.has('code')).toBe(true);
});

test(requirement('implicit-is-off'), async () => {
  const query = new URLSearchParams({ client_id: 'demo-web', response_type: 'id_token', redirect_uri: REDIRECT_URI });
  const { headers } = await open(createBrowser(world), `${world.issuer}/auth?${query}`);
  const response = new URLSearchParams(new URL(String(headers.location)).hash.slice(1));
  expect(response.get('error')).toBe('unsupported_response_type');
  expect(response.get('error_description')).toContain('features.implicit');
});

test.each([
  ['previews', 'https://a.app.test/callback', true],
  ['previews', 'https://evil.com/.app.test/callback', false],
  ['demo-web', `${REDIRECT_URI}/more`, false],
])(requirement('exact-redirect-uris', '%s, %s: %s'), async (client_id, redirect_uri, accepted) => {
  const query = new URLSearchParams({ client_id, redirect_uri, response_type: 'code', scope: 'openid', ...CHALLENGE });
  const { status } = await open(createBrowser(world), `${world.issuer}/auth?${query}`);
  expect(status).toBe(accepted ? 303 : 400);
});

test.each([
  ['http://127.0.0.1:53682', 'http://127.0.0.1:53682'],
  ['https://evil.com', null],
])(requirement('pages-read-answers', '%s'), async (origin, readable) => {
  const body = new URLSearchParams({ client_id: 'demo-web', grant_type: 'authorization_code', code: 'unknown' });
  const answer = await fetch(`${world.issuer}/token`, { method: 'POST', body, headers: { Origin: origin } });
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([400, readable]);
});

test(requirement('rotation-can-be-off'), async () => {
  const { client, tokens } = await signIn(world, { client: await discover(world, 'keeps') });
  for (let time = 0; time < 2; time++) {
    const refreshed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
    world.log.secret(refreshed.access_token, refreshed.id_token);
    expect([undefined, tokens.refresh_token]).toContain(refreshed.refresh_token);
  }
});

test(requirement('reuse-grace'), async () => {
  const { client, tokens } = await signIn(world, { style: 'split' });
  const renewed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
  world.log.secret(renewed.access_token, renewed.refresh_token, renewed.id_token);
  await expect(oidc.refreshTokenGrant(client, String(tokens.refresh_token))).rejects.toMatchObject({
    error: 'invalid_grant',
  });
  expect((await call(String(world.gateways[0]), 'split', renewed.access_token)).status).toBe(200);
});

test(requirement('client-secret-jwt'), async () => {
  const client = await discover(world, 'asserts', LONG_SECRET, oidc.ClientSecretJwt(LONG_SECRET));
  const { access_token: token } = await oidc.clientCredentialsGrant(client, { scope: 'read' });
  world.log.secret(token);
  expect((await call(String(world.gateways[0]), 'phantom', token)).status).toBe(200);
  const wrong = `${LONG_SECRET}, but another one`;
  const stranger = await discover(world, 'asserts', wrong, oidc.ClientSecretJwt(wrong));
  await expect(oidc.clientCredentialsGrant(stranger, { scope: 'read' })).rejects.toMatchObject({
    error: 'invalid_client',
  });
});

test(requirement('signed-userinfo'), async () => {
  const client = await discover(world, 'asserts', LONG_SECRET, oidc.ClientSecretJwt(LONG_SECRET));
  const { tokens } = await signIn(world, { client });
  const answer = await fetch(`${world.issuer}/me`, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
  expect(answer.headers.get('content-type')).toContain('application/jwt');
  const { payload } = await jwtVerify(await answer.text(), createRemoteJWKSet(new URL(`${world.issuer}/jwks`)), {
    ...{ issuer: world.issuer, audience: 'asserts' },
  });
  expect(payload).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
});

test.each(['select_account', 'create'])(requirement('another-user', '%s'), async (prompt) => {
  const { browser } = await signIn(world);
  const query = new URLSearchParams({
    ...{ client_id: 'demo-web', response_type: 'code', redirect_uri: REDIRECT_URI, scope: 'openid' },
    ...{ code_challenge: await oidc.calculatePKCECodeChallenge(VERIFIER), code_challenge_method: 'S256', prompt },
  });
  const start = await open(browser, `${world.issuer}/auth?${query}`);
  const ending = await follow(world, browser, start, { user: 'bob' });
  // The form that ends the session of alice submits itself.
  const callback = await followToCallback(world, browser, await submit(browser, String(ending)));
  world.log.secret(callback.searchParams.get('code'));
  const tokens = await oidc.authorizationCodeGrant(await demoWeb(world), callback, { pkceCodeVerifier: VERIFIER });
  world.log.secret(tokens.access_token, tokens.refresh_token, tokens.id_token);
  expect(tokens.claims()?.sub).toBe('bob');
});

test(requirement('logout-without-a-question'), async () => {
  const { client, browser, tokens } = await signIn(world);
  const page = await open(browser, oidc.buildEndSessionUrl(client, { id_token_hint: String(tokens.id_token) }));
  expect(page.text).not.toContain('Stay signed in');
  expect((await submit(browser, page.text)).status).toBe(303);
  const query = new URLSearchParams({
    ...{ client_id: 'demo-web', response_type: 'code', redirect_uri: REDIRECT_URI },
    ...{ scope: 'openid', prompt: 'none', ...CHALLENGE },
  });
  const { headers } = await open(browser, `${world.issuer}/auth?${query}`);
  expect(new URL(String(headers.location)).searchParams.get('error')).toBe('login_required');
});

test.each([undefined, 'unknown'])(requirement('default-scopes', 'requested: %s'), async (scope) => {
  const other = await startOneProcess((config) => ({
    ...config,
    authorizationServer: { defaultApi: resourceOf('phantom'), defaultScopes: ['openid', 'read'] },
  }));
  try {
    const browser = createBrowser(other);
    const query = new URLSearchParams({
      ...{ client_id: 'demo-web', response_type: 'code', redirect_uri: REDIRECT_URI, ...(scope && { scope }) },
      ...{ code_challenge: await oidc.calculatePKCECodeChallenge(VERIFIER), code_challenge_method: 'S256' },
    });
    const callback = await followToCallback(other, browser, await open(browser, `${other.issuer}/auth?${query}`));
    other.log.secret(callback.searchParams.get('code'));
    const tokens = await oidc.authorizationCodeGrant(await demoWeb(other), callback, { pkceCodeVerifier: VERIFIER });
    other.log.secret(tokens.access_token, tokens.refresh_token, tokens.id_token);
    expect(tokens.scope?.split(' ').sort()).toEqual(['openid', 'read']);
  } finally {
    await other.stop();
  }
});

test(requirement('unsupported-metadata'), async () => {
  const metadata = { frontchannel_logout_uri: 'https://app.test/logout' };
  await expect(world.tallystick.clients.put({ id: 'app', secret: 'secret', metadata })).rejects.toThrow(
    'frontchannel_logout_uri is not supported',
  );
});

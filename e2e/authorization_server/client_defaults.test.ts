import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBrowser, discover, open, REDIRECT_URI } from '@tallystick/testing/sign_in';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { demoWeb } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

const SECRET = 'one-secret';

const previews = { redirectUris: ['https://*.app.test/callback'] };

let world: OneProcess;
beforeAll(async () => {
  world = await startOneProcess((config) => ({
    ...config,
    authorizationServer: { defaultApi: resourceOf('phantom') },
    scopes: { groups: ['role'] },
    clients: [
      ...config.clients,
      {
        id: 'confidential',
        secret: SECRET,
        grants: ['authorization_code', 'refresh_token', 'client_credentials'],
        redirectUris: [REDIRECT_URI],
      },
      { ...previews, id: 'previews', grants: ['authorization_code'], insecureRedirectUriPatterns: true },
    ],
  }));
});
afterAll(() => world.stop());

const confidential = () => discover(world, 'confidential', SECRET, oidc.ClientSecretBasic(SECRET));

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

test(requirement('unsupported-metadata'), async () => {
  const metadata = { frontchannel_logout_uri: 'https://app.test/logout' };
  await expect(world.tallystick.clients.put({ id: 'app', secret: 'secret', metadata })).rejects.toThrow(
    'frontchannel_logout_uri is not supported',
  );
});

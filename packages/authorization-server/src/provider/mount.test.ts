import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createBrowser, open } from '@tallystick/testing/sign_in';
import { decodeJwt } from 'jose';
import { authorizationUrl, signIn } from '../testing/sign_in.ts';
import { startTestServer, type TestServer, withWebClients } from '../testing/test_server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer(withWebClients, { path: '/tenant' });
});
afterEach(() => server.stop());

test('an issuer with a path serves every endpoint and page below its path', async () => {
  const { access_token: token } = await signIn(server, 'jwt');
  expect(decodeJwt(token)).toMatchObject({ iss: server.issuer, sub: 'alice' });
});

test.each([
  ['below the path', '/tenant/.well-known/openid-configuration'],
  ['below the path, for OAuth', '/tenant/.well-known/oauth-authorization-server'],
  ['between host and path (RFC 8414)', '/.well-known/oauth-authorization-server/tenant'],
])('its metadata is served %s', async (_where, path) => {
  const metadata = (await (await fetch(new URL(path, server.issuer))).json()) as Record<string, string>;
  expect(metadata.issuer).toBe(server.issuer);
  expect(metadata.token_endpoint).toBe(`${server.issuer}/token`);
  expect(metadata.authorization_endpoint).toBe(`${server.issuer}/auth`);
});

test.each(['/', '/token', '/tenantx/token', '/elsewhere/.well-known/openid-configuration'])(
  '%s is outside the path and gets 404',
  async (path) => {
    const answer = await fetch(new URL(path, server.issuer));
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  },
);

test('its cookies have its path and are HttpOnly', async () => {
  const browser = createBrowser(server);
  const started = await open(browser, authorizationUrl(server, 'jwt'));
  const page = new URL(String(started.headers.location), server.issuer).href;
  const signedIn = await open(browser, `${page}/login`, { user: 'alice' });
  const resumed = await open(browser, String(signedIn.headers.location));
  const cookies = [started, resumed].flatMap(({ headers }) => headers['set-cookie'] as unknown as string[]);
  expect(cookies.filter((cookie) => cookie.startsWith('_session='))).not.toEqual([]);
  for (const cookie of cookies) expect(cookie).toMatch(/path=\/tenant.*; samesite=lax; httponly/);
});

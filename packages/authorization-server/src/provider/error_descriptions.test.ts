import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBrowser, open, REDIRECT_URI } from '@tallystick/testing/sign_in';
import { type Authorization, authorize, CHALLENGE, redeemCode, requestTokens } from '../testing/flow.ts';
import { openLogin } from '../testing/sign_in.ts';
import { resourceOf, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

let server: TestServer;
let authorization: Authorization;
beforeAll(async () => {
  const web = { grants: ['authorization_code', 'refresh_token'], redirectUris: [REDIRECT_URI] } as const;
  server = await startTestServer((config) => ({
    ...config,
    clients: [...config.clients, testClient({ id: 'web', ...web }), testClient({ id: 'other', ...web })],
  }));
});
afterAll(() => server.stop());

async function code(): Promise<Authorization> {
  authorization = await authorize(server, {
    ...{ client_id: 'web', scope: 'openid read', resource: resourceOf('split') },
    ...CHALLENGE,
  });
  return authorization;
}

test.each([
  ['the code of another client', 'client mismatch', async () => redeemCode(server, 'other', await code())],
  [
    'another redirect URI',
    'authorization code redirect_uri mismatch',
    async () => redeemCode(server, 'web', await code(), { redirect_uri: `${REDIRECT_URI}/other` }),
  ],
  [
    'an unknown code',
    'authorization code not found',
    async () => redeemCode(server, 'web', await code(), { code: 'unknown' }),
  ],
  [
    'a wrong verifier',
    'code_verifier does not match',
    async () => redeemCode(server, 'web', await code(), { code_verifier: 'w'.repeat(43) }),
  ],
  [
    'an unknown refresh token',
    'refresh token not found',
    async () => requestTokens(server, 'web', { grant_type: 'refresh_token', refresh_token: 'unknown' }),
  ],
])('invalid_grant says which: %s', async (_what, description, request) => {
  const { error, error_description } = await request();
  expect([error, error_description]).toEqual(['invalid_grant', expect.stringContaining(description)]);
});

test('invalid_grant says that a code was used before', async () => {
  await redeemCode(server, 'web', await code());
  const { error, error_description } = await redeemCode(server, 'web', authorization);
  expect([error, error_description]).toEqual(['invalid_grant', expect.stringMatching(/already (used|consumed)/)]);
});

test('invalid_target says that the code is for another API', async () => {
  const { error, error_description } = await redeemCode(server, 'web', await code(), { resource: resourceOf('jwt') });
  expect([error, error_description]).toEqual([
    'invalid_target',
    expect.stringContaining('not issued for this resource'),
  ]);
});

test('access_denied says that the user refused', async () => {
  const browser = createBrowser(server);
  const page = await openLogin(server, browser, 'jwt');
  const { headers } = await open(browser, `${page}/abort`, {});
  const { headers: last } = await open(browser, String(headers.location));
  expect(Object.fromEntries(new URL(String(last.location)).searchParams)).toMatchObject({
    error: 'access_denied',
    error_description: 'the user refused to sign in',
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import { SignJWT } from 'jose';
import { authorize, CHALLENGE, redeemCode, requestTokens } from '../testing/flow.ts';
import { resourceOf, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const web = { grants: ['authorization_code', 'refresh_token'], redirectUris: [REDIRECT_URI] } as const;
const LONG_SECRET = 'a secret of at least 32 characters';

let server: TestServer;
let strict: TestServer;
let bare: TestServer;
beforeAll(async () => {
  server = await startTestServer((config) => ({
    ...config,
    clients: [
      ...config.clients,
      testClient({ id: 'public', ...web }),
      testClient({ id: 'confidential', secret: 'secret', ...web }),
      testClient({ id: 'public-optional', pkce: 'optional', ...web }),
      testClient({ id: 'confidential-required', secret: 'secret', pkce: 'required', ...web }),
      testClient({ id: 'native', applicationType: 'native', ...web }),
      testClient({ id: 'scheme', ...web, redirectUris: ['com.example.app:/callback', REDIRECT_URI] }),
      testClient({ id: 'web-ipv6', ...web, redirectUris: ['http://[::1]/callback'] }),
      testClient({ id: 'native-ipv6', applicationType: 'native', ...web, redirectUris: ['http://[::1]/callback'] }),
      testClient({ id: 'localhost', ...web, redirectUris: ['http://localhost:3000/callback'] }),
      testClient({ id: 'keeps', rotateRefreshTokens: false, ...web }),
      testClient({
        id: 'asserts',
        secret: LONG_SECRET,
        grants: ['client_credentials'],
        metadata: { token_endpoint_auth_method: 'client_secret_jwt' },
      }),
    ],
  }));
  strict = await startTestServer((config) => ({
    ...config,
    pkce: 'all',
    clients: [
      ...config.clients,
      testClient({ id: 'confidential', secret: 'secret', ...web }),
      testClient({ id: 'confidential-optional', secret: 'secret', pkce: 'optional', ...web }),
    ],
  }));
  bare = await startTestServer((config) => ({
    ...config,
    features: Object.fromEntries(Object.keys(config.features).map((name) => [name, false])) as typeof config.features,
    clients: [],
  }));
});
afterAll(() => Promise.all([server.stop(), strict.stop(), bare.stop()]));

describe('PKCE', () => {
  test.each([
    ['public', 'public clients', 'required', () => server],
    ['confidential', 'public clients', 'optional', () => server],
    ['public-optional', 'public clients', 'optional', () => server],
    ['confidential-required', 'public clients', 'required', () => server],
    ['confidential', 'all clients', 'required', () => strict],
    ['confidential-optional', 'all clients', 'optional', () => strict],
  ])('of the client %s is, where %s must use it, %s', async (client_id, _setting, rule, at) => {
    const { callback } = await authorize(at(), { client_id, scope: 'openid' });
    const { error, error_description } = Object.fromEntries(callback.searchParams);
    expect(error).toBe(rule === 'required' ? 'invalid_request' : undefined);
    if (rule === 'required') expect(error_description).toContain('PKCE');
  });

  test('that was used is verified, where it is optional too', async () => {
    const authorization = await authorize(server, { client_id: 'confidential', scope: 'openid', ...CHALLENGE });
    const wrong = { code_verifier: 'w'.repeat(43) };
    expect((await redeemCode(server, 'confidential:secret', authorization, wrong)).error).toBe('invalid_grant');
  });

  test('cannot be added at the token endpoint (RFC 9700 section 2.1.1)', async () => {
    const authorization = await authorize(server, { client_id: 'confidential', scope: 'openid' });
    expect((await redeemCode(server, 'confidential:secret', authorization)).error).toBe('invalid_grant');
  });
});

test.each([
  ['native', 'http://127.0.0.1:1234/callback', true],
  ['scheme', 'http://127.0.0.1:1234/callback', true],
  ['native-ipv6', 'http://[::1]:1234/callback', true],
  ['native', 'http://127.0.0.1:1234/other', false],
  ['public', REDIRECT_URI, true],
  ['public', 'http://127.0.0.1:1234/callback', false],
  ['web-ipv6', 'http://[::1]:1234/callback', false],
  ['localhost', 'http://localhost:3000/callback', true],
  ['localhost', 'http://localhost:1234/callback', false],
])('for the client %s, the redirect URI %s is accepted: %s', async (client_id, redirect_uri, accepted) => {
  const query = new URLSearchParams({ response_type: 'code', client_id, redirect_uri, scope: 'openid', ...CHALLENGE });
  const answer = await fetch(`${server.issuer}/auth?${query}`, { redirect: 'manual' });
  expect(answer.status).toBe(accepted ? 303 : 400);
});

test.each([
  ['public', true],
  ['keeps', false],
])('a refresh replaces the refresh token of the client %s: %s', async (client_id, replaced) => {
  const { refresh_token } = await redeemCode(
    server,
    client_id,
    await authorize(server, { client_id, scope: 'openid', ...CHALLENGE }),
  );
  const refresh = { grant_type: 'refresh_token', refresh_token };
  const first = await requestTokens(server, client_id, refresh);
  expect(first.access_token).toBeDefined();
  expect(first.refresh_token !== refresh_token).toBe(replaced);
  if (!replaced) expect((await requestTokens(server, client_id, refresh)).access_token).toBeDefined();
});

test('a client authenticates with client_secret_jwt', async () => {
  const assertion = await new SignJWT({ jti: 'once' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('asserts')
    .setSubject('asserts')
    .setAudience(server.issuer)
    .setExpirationTime('1m')
    .setIssuedAt()
    .sign(new TextEncoder().encode(LONG_SECRET));
  const tokens = await requestTokens(server, 'asserts', {
    grant_type: 'client_credentials',
    resource: resourceOf('jwt'),
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  expect(tokens.access_token).toBeDefined();
});

test.each([
  ['misspelled metadata', { id_token_signed_response_algorithm: 'RS256' }],
  ['metadata of a feature that is off', { tls_client_auth_subject_dn: 'CN=a' }],
])('%s is a configuration error that names it', async (_what, metadata) => {
  const { current, replace } = server.configuration;
  const wrong = testClient({ id: 'wrong', secret: 'secret', metadata });
  await expect(replace({ ...current(), clients: [wrong] })).rejects.toThrow(String(Object.keys(metadata)[0]));
});

test.each([
  { backchannel_token_delivery_mode: 'poll' },
  { dpop_bound_access_tokens: true },
  { subject_type: 'pairwise' },
  { backchannel_logout_uri: 'https://app.example.com/logout' },
  { request_object_signing_alg: 'ES256' },
  { authorization_signed_response_alg: 'ES256' },
  { require_pushed_authorization_requests: true },
  { authorization_details_types: ['payment'] },
  { tls_client_certificate_bound_access_tokens: true },
])('%j is a configuration error that names it while its feature is off', async (metadata) => {
  const client = testClient({ id: 'wrong', secret: 'secret', ...web, metadata });
  const put = ({ configuration: { current, replace } }: TestServer) => replace({ ...current(), clients: [client] });
  await expect(put(bare)).rejects.toThrow(String(Object.keys(metadata)[0]));
});

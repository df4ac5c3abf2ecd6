import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CHALLENGE } from '../testing/flow.ts';
import { silent, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const PATTERN = 'https://*.app.test/callback';
const web = { grants: ['authorization_code'], redirectUris: [PATTERN], postLogoutRedirectUris: [PATTERN] } as const;
const LOOPBACK = ['http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost:3000/cb'];
const loopback = { ...web, redirectUris: LOOPBACK, postLogoutRedirectUris: LOOPBACK };

const warnings: object[] = [];
let server: TestServer;
/** Behind a proxy that terminates TLS. */
let production: TestServer;
beforeAll(async () => {
  const log = { ...silent, warn: (fields: object, message: string) => void warnings.push({ ...fields, message }) };
  server = await startTestServer(
    (config) => ({
      ...config,
      clients: [
        ...config.clients,
        testClient({ id: 'patterns', insecureRedirectUriPatterns: true, ...web }),
        testClient({ id: 'web', ...loopback }),
        testClient({ id: 'confidential', secret: 'secret', ...loopback }),
        testClient({ id: 'native', applicationType: 'native', ...loopback }),
      ],
    }),
    { log },
  );
  production = await startTestServer((config) => ({ ...config, issuer: 'https://login.example.com' }));
});
afterAll(() => Promise.all([server.stop(), production.stop()]));

function authorize(parameters: Record<string, string>): Promise<Response> {
  const query = new URLSearchParams({ response_type: 'code', scope: 'openid', ...CHALLENGE, ...parameters });
  return fetch(`${server.issuer}/auth?${query}`, { redirect: 'manual' });
}

function logOut(parameters: Record<string, string>): Promise<Response> {
  return fetch(`${server.issuer}/session/end?${new URLSearchParams(parameters)}`, { redirect: 'manual' });
}

async function register(metadata: object): Promise<Record<string, string>> {
  const answer = await fetch(`${server.issuer}/reg`, {
    method: 'POST',
    body: JSON.stringify({ token_endpoint_auth_method: 'none', ...metadata }),
    headers: { 'Content-Type': 'application/json' },
  });
  return { status: String(answer.status), ...((await answer.json()) as Record<string, string>) };
}

const registrationOf = (application_type: string) => ({
  application_type,
  redirect_uris: LOOPBACK,
  post_logout_redirect_uris: LOOPBACK,
});

describe.each([
  ['web', false],
  ['confidential', false],
  ['native', true],
  ['registered web', false],
  ['registered native', true],
])('the port of a loopback URI of the client: %s', (client, isNative) => {
  let client_id: string;
  beforeAll(async () => {
    const [, type] = client.split(' ');
    client_id = type === undefined ? client : String((await register(registrationOf(type))).client_id);
  });

  test.each([
    ['http://127.0.0.1/cb', true],
    ['http://127.0.0.1:1234/cb', isNative],
    ['http://[::1]/cb', true],
    ['http://[::1]:1234/cb', isNative],
    ['http://127.0.0.1:1234/other', false],
    ['http://127.0.0.2:1234/cb', false],
    ['https://127.0.0.1:1234/cb', false],
    ['http://localhost:3000/cb', true],
    ...(isNative ? [] : ([['http://localhost:1234/cb', false]] as const)),
  ])('%s is accepted: %s', async (uri, accepted) => {
    expect((await authorize({ client_id, redirect_uri: uri })).status).toBe(accepted ? 303 : 400);
    expect((await logOut({ client_id, post_logout_redirect_uri: uri })).status).toBe(accepted ? 200 : 400);
  });
});

describe('patterns', () => {
  test.each([
    ['https://a.app.test/callback', true],
    ['https://evil.com/.app.test/callback', false],
    ['https://a.app.test:8443/callback', false],
    [PATTERN, false],
  ])('%s is accepted: %s', async (uri, accepted) => {
    expect((await authorize({ client_id: 'patterns', redirect_uri: uri })).status).toBe(accepted ? 303 : 400);
    const { status } = await logOut({ client_id: 'patterns', post_logout_redirect_uri: uri });
    expect(status).toBe(accepted ? 200 : 400);
  });

  test.each([{}, { prompt: 'wrong' }])(
    'do not replace a missing redirect URI, with the parameters %j',
    async (parameters) => {
      const answer = await authorize({ client_id: 'patterns', ...parameters });
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    },
  );

  test.each([
    ['https://a.app.test', 'https://a.app.test'],
    ['https://evil.com', null],
  ])('allow pages of the origin %s: %s', async (origin, allowed) => {
    const body = new URLSearchParams({ client_id: 'patterns', grant_type: 'authorization_code', code: 'unknown' });
    const { headers } = await fetch(`${server.issuer}/token`, { method: 'POST', body, headers: { Origin: origin } });
    expect(headers.get('access-control-allow-origin')).toBe(allowed);
  });

  test('are announced in the log', () => {
    expect(warnings).toContainEqual({
      client: 'patterns',
      message: expect.stringContaining('insecureRedirectUriPatterns'),
    });
  });

  test.each([
    ['redirectUris', { redirectUris: [PATTERN] }],
    ['postLogoutRedirectUris', { postLogoutRedirectUris: [PATTERN] }],
    ['insecureRedirectUriPatterns', { insecureRedirectUriPatterns: true }],
    ['redirectUris', { redirectUris: ['https://*/'], insecureRedirectUriPatterns: true }],
  ])('are refused in the configuration at %s: %j', (path, change) => {
    expect(() =>
      testClient({ id: 'a', grants: ['authorization_code'], redirectUris: ['https://app.test/'], ...change }),
    ).toThrow(path);
  });

  test.each(['redirect_uris', 'post_logout_redirect_uris'])('cannot be registered as %s', async (name) => {
    const answer = await register({ redirect_uris: ['https://app.test/'], [name]: [PATTERN] });
    expect([answer.status, answer.error]).toEqual([
      '400',
      name === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata',
    ]);
    expect(answer.error_description).toContain(`${name} must not contain a *`);
  });
});

const HOSTS = ['http://app.test/cb', 'http://host.docker.internal:3000/cb', 'http://web.localhost/cb'];

test.each(HOSTS)('an issuer on http accepts the redirect URI %s', async (uri) => {
  const { client_id } = await register({ redirect_uris: [uri] });
  expect((await authorize({ client_id: String(client_id), redirect_uri: uri })).status).toBe(303);
});

test.each([
  ['http://app.test/cb', false],
  ['http://localhost:3000/cb', true],
  ['http://127.0.0.1/cb', true],
  ['https://app.test/cb', true],
])('an issuer on https accepts the redirect URI %s: %s', async (uri, accepted) => {
  const { current, replace } = production.configuration;
  const client = testClient({ id: 'app', grants: ['authorization_code'], redirectUris: [uri] });
  const replaced = replace({ ...current(), clients: [client] });
  if (accepted) await replaced;
  else
    await expect(replaced).rejects.toMatchObject({ field: 'redirectUris', message: expect.stringContaining('https') });
});

test.each(['frontchannel_logout_uri', 'frontchannel_logout_session_required'])('%s is refused', async (name) => {
  const value = name.endsWith('uri') ? 'https://app.test/logout' : true;
  const answer = await register({ redirect_uris: ['https://app.test/'], [name]: value });
  expect([answer.status, answer.error]).toEqual(['400', 'invalid_client_metadata']);
  expect(answer.error_description).toContain(`${name} is not supported`);
  const { current, replace } = server.configuration;
  const client = testClient({ id: 'app', secret: 'secret', metadata: { [name]: value } });
  await expect(replace({ ...current(), clients: [client] })).rejects.toThrow(`${name} is not supported`);
});

test.each([7, 'client_credentials', [7], null])('grant_types of %j cannot be registered', async (grant_types) => {
  const answer = await register({ redirect_uris: ['https://app.test/'], grant_types });
  expect([answer.status, answer.error]).toEqual(['400', 'invalid_client_metadata']);
});

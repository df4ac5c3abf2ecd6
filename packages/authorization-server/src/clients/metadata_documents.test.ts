import { afterEach, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { startTestServer, type TestServer } from '../testing/test_server.ts';

const CLIENT = 'https://app.example.com/client.json';
const REDIRECT_URI = 'https://app.example.com/callback';

let server: TestServer;
afterEach(() => server.stop());

async function start(document: object, features: object = {}) {
  server = await startTestServer((config) => ({ ...config, features: { ...config.features, ...features } }), {
    fetch: async () => Response.json(document),
  });
}

function authorize() {
  const query = new URLSearchParams({
    client_id: CLIENT,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
  });
  return fetch(`${server.issuer}/auth?${query}`, { redirect: 'manual' });
}

const metadata = {
  client_id: CLIENT,
  client_name: 'An application',
  redirect_uris: [REDIRECT_URI],
  token_endpoint_auth_method: 'none',
};

test('an unregistered client is identified by its metadata document', async () => {
  await start(metadata);
  const answer = await authorize();
  expect(answer.status).toBe(303);
  expect(answer.headers.get('location')).toMatch(/\/interaction\//);
});

test.each([
  ['of another client', { ...metadata, client_id: 'https://other.example.com/' }],
  ['with a secret', { ...metadata, client_secret: 'secret' }],
  ['with another redirect URI', { ...metadata, redirect_uris: ['https://other.example.com/'] }],
])('a metadata document %s is refused', async (_what, document) => {
  await start(document);
  expect((await authorize()).status).toBe(400);
});

test('a disabled feature fetches nothing', async () => {
  await start(metadata, { clientIdMetadataDocuments: false });
  const answer = await authorize();
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('invalid_client');
});

test('a client with a metadata document gets no token without a user', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a', use: 'sig', alg: 'ES256' }] };
  await start({
    ...metadata,
    ...{
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
      grant_types: ['authorization_code', 'client_credentials'],
    },
  });
  const assertion = await new SignJWT({ iss: CLIENT, sub: CLIENT, aud: server.issuer, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'a' })
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(privateKey);
  const answer = await fetch(`${server.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: CLIENT,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }),
  });
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'unauthorized_client' }]);
});

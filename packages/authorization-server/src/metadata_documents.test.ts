import { afterEach, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from './testing/test_server.ts';

const CLIENT = 'https://app.example.com/client.json';
const REDIRECT_URI = 'https://app.example.com/callback';

let server: TestServer;
afterEach(() => server.stop());

async function start(document: object, features: object = {}) {
  server = await startTestServer(
    (config) => ({ ...config, features: { ...config.features, ...features } }),
    async () => Response.json(document),
  );
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

test('a client that nobody registered is known by its metadata document', async () => {
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

test('nothing is fetched where it is switched off', async () => {
  await start(metadata, { clientIdMetadataDocuments: false });
  const answer = await authorize();
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('invalid_client');
});

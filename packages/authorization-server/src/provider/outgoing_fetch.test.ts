import { beforeEach, expect, jest, test } from '@jest/globals';
import { serve } from '@tallystick/testing/serve';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { resourceOf, startTestServer, testClient } from '../testing/test_server.ts';
import { createOutgoingFetch } from './outgoing_fetch.ts';

let url: string;
let body: string;

beforeEach(async () => {
  const loopback = await serve((_request, response) => {
    response.setHeader('Content-Type', 'application/json').end(body);
  });
  url = `${loopback.origin}/jwks`;
});

test('in development a client may publish its keys on loopback', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  body = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] });
  const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: url };
  const bank = testClient({ id: 'bank', grants: ['client_credentials'], metadata });
  const server = await startTestServer((config) => ({ ...config, clients: [bank] }));
  try {
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('bank')
      .setSubject('bank')
      .setAudience(server.issuer)
      .setJti('once')
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
    const form = {
      grant_type: 'client_credentials',
      resource: resourceOf('jwt'),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    };
    const redeem = () => fetch(`${server.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
    expect((await redeem()).status).toBe(200);
    expect(await (await redeem()).json()).toMatchObject({ error: 'invalid_client' }); // The same assertion again.
  } finally {
    await server.stop();
  }
});

test.each([
  ['only public addresses', { issuer: 'https://id.example.com' }],
  ['only public addresses', { issuer: 'https://localhost.example.com' }],
  ['only public addresses', { issuer: 'http://localhost:4000', callsPrivateAddresses: false }],
  ['any address', { issuer: 'http://localhost:4000' }],
  ['any address', { issuer: 'https://localhost:4000' }],
  ['any address', { issuer: 'https://[::1]:4000' }],
  ['any address', { issuer: 'https://id.example.com', callsPrivateAddresses: true }],
])('%s may be called with %j', async (which, config) => {
  const fetch = jest.fn(async (..._arguments: unknown[]) => new Response());
  const dispatcher = {}; // oidc-provider restricts calls to public addresses with a dispatcher.
  await createOutgoingFetch(config, fetch as typeof globalThis.fetch)(url, { dispatcher } as RequestInit);
  expect(fetch.mock.calls).toEqual([[url, which === 'any address' ? {} : { dispatcher }]]);
});

import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CLIENT_CERTIFICATE } from '@tallystick/testing/client_certificate';
import { decodeJwt } from 'jose';
import type { ClientConfig } from '../config/config.ts';
import { resourceOf, STYLES, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const certificate = new X509Certificate(CLIENT_CERTIFICATE);
const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
const AS_RFC_9440 = `:${certificate.raw.toString('base64')}:`;
const AS_PEM = encodeURIComponent(CLIENT_CERTIFICATE);

let server: TestServer;

beforeEach(async () => {
  const { publicKey } = certificate;
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), x5c: [certificate.raw.toString('base64')] }] };
  const bound = { tls_client_certificate_bound_access_tokens: true };
  const clients = [
    service('self-signed', { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks, ...bound }),
    service('by-name', {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=bank.example.com,O=Example',
      ...bound,
    }),
    service('by-host', { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'bank.example.com' }),
    service('another', { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'shop.example.com' }),
  ];
  server = await startTestServer((config) => ({
    ...config,
    clients: [...config.clients, ...clients],
    features: { ...config.features, mutualTls: true },
  }));
});
afterEach(() => server.stop());

function service(id: string, metadata: Record<string, unknown>): ClientConfig {
  return testClient({ id, grants: ['client_credentials'], metadata });
}

async function post(path: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  return fetch(server.issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) });
}

function ask(client: string, presented: string | undefined, style = 'jwt') {
  const form = { grant_type: 'client_credentials', client_id: client, resource: resourceOf(style), scope: 'read' };
  return post('/token', form, presented === undefined ? {} : { 'Client-Cert': presented });
}

describe('client authentication', () => {
  test.each([
    ['self-signed', AS_RFC_9440],
    ['self-signed', AS_PEM],
    ['by-name', AS_RFC_9440],
    ['by-host', AS_PEM],
  ])('accepts %s with the certificate from the proxy', async (client, presented) => {
    expect((await ask(client, presented)).status).toBe(200);
  });

  test.each([
    ['self-signed', undefined, 'invalid_client'],
    ['another', AS_PEM, 'invalid_client'],
    ['self-signed', 'nonsense', 'invalid_request'],
    ['self-signed', '%', 'invalid_request'],
    ['self-signed', `${AS_PEM}, ${AS_PEM}`, 'invalid_request'],
  ])('refuses %s with %j', async (client, presented, error) => {
    expect(await (await ask(client, presented)).json()).toMatchObject({ error });
  });
});

test('a certificate in a header is ignored without a trusted proxy', async () => {
  await server.stop();
  server = await startTestServer((config) => ({
    ...config,
    clients: [
      service('by-host', {
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_san_dns: 'bank.example.com',
      }),
    ],
    features: { ...config.features, mutualTls: true },
    trustedProxies: ['192.0.2.1', '10.0.0.0/8', '2001:db8::/32'],
  }));
  for (const header of [AS_RFC_9440, AS_PEM]) {
    expect(await (await ask('by-host', header)).json()).toMatchObject({ error: 'invalid_client' });
  }
});

test.each(STYLES)('a %s token is bound to the client certificate', async (style) => {
  const { access_token: token } = (await (await ask('self-signed', AS_PEM, style)).json()) as { access_token: string };
  const headers = { Authorization: `Basic ${btoa('gateway:gateway-secret')}`, Accept: 'application/jwt' };
  const jwt = style === 'jwt' ? token : await (await post('/token/introspection', { token }, headers)).text();
  expect(decodeJwt(jwt).cnf).toEqual({ 'x5t#S256': thumbprint });
});

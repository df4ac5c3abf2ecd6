import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Certificate, createCa, selfSigned, type TestCa } from '@tallystick/testing/certificates';
import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { type TlsClient, tlsClient } from '../support/clients/tls_client.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

const BANK = {
  subject: 'CN=bank.example.com,O=Example',
  alternatives: [{ type: 'dns', value: 'bank.example.com' } as const],
};

let folder: string;
let world: OneProcess;
let ca: TestCa;
/** Certificates: issued by the CA, issued by another CA, and self-signed. */
let certificates: Record<'certified' | 'foreign' | 'selfSigned' | 'another', Certificate>;
const clients: TlsClient[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
  ca = await createCa('Example client CA');
  certificates = {
    certified: await ca.certify(BANK),
    foreign: await (await createCa('Example client CA')).certify(BANK),
    selfSigned: await selfSigned(BANK),
    another: await ca.certify({ subject: 'CN=shop.example.com' }),
  };
  const bound = { tls_client_certificate_bound_access_tokens: true };
  const jwks = { keys: [jwkOf(certificates.selfSigned)] };
  world = await startOneProcess((config) => ({
    ...config,
    issuer: 'https://localhost:4000',
    tls: { selfMade: true, directory: folder, clientCa: ca.cert },
    features: { ...config.features, mutualTls: true },
    clients: [
      ...config.clients,
      service('by-name', { ...pki, tls_client_auth_subject_dn: 'CN=bank.example.com,O=Example', ...bound }),
      service('by-host', { ...pki, tls_client_auth_san_dns: 'bank.example.com', ...bound }),
      service('pinned', { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks, ...bound }),
      {
        id: 'with-secret',
        secret: 'with-secret-secret',
        grants: ['client_credentials'],
        metadata: bound,
      },
    ],
  }));
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await world?.stop();
  await rm(folder, { recursive: true });
});

const pki = { token_endpoint_auth_method: 'tls_client_auth' };

function service(id: string, metadata: Record<string, unknown>) {
  return { id, grants: ['client_credentials' as const], metadata };
}

function jwkOf({ cert }: Certificate) {
  const certificate = new X509Certificate(cert);
  return { ...certificate.publicKey.export({ format: 'jwk' }), x5c: [certificate.raw.toString('base64')] };
}

/** RFC 8705 section 3.1. */
function thumbprintOf({ cert }: Certificate): string {
  const { fingerprint256 } = new X509Certificate(cert);
  return Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}

function connectWith(certificate?: Certificate): typeof globalThis.fetch {
  const client = tlsClient(String(world.tallystick.ca), certificate);
  clients.push(client);
  return client.fetch;
}

/** openid-client with connections that present the certificate. */
function discover(id: string, certificate?: Certificate, authentication: oidc.ClientAuth = oidc.TlsClientAuth()) {
  return oidc.discovery(new URL(world.issuer), id, undefined, authentication, {
    [oidc.customFetch]: connectWith(certificate) as oidc.CustomFetch,
  });
}

async function tokenOf(client: oidc.Configuration, style: Style): Promise<string> {
  const tokens = await oidc.clientCredentialsGrant(client, { resource: resourceOf(style), scope: 'read' });
  world.log.secret(tokens.access_token);
  return tokens.access_token;
}

async function introspect(token: string, accept: string): Promise<string> {
  const answer = await connectWith()(`${world.issuer}/token/introspection`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('gateway:gateway-secret')}`, Accept: accept },
    body: new URLSearchParams({ token }),
  });
  return answer.text();
}

test.each([
  ['by-name', 'certified'],
  ['by-host', 'certified'],
  ['pinned', 'selfSigned'],
] as const)(requirement('client-certificate', '%s'), async (id, which) => {
  await expect(tokenOf(await discover(id, certificates[which]), 'jwt')).resolves.toEqual(expect.any(String));
});

test.each([
  ['by-name', 'foreign', 'another CA of the same name issued it'],
  ['by-name', 'selfSigned', 'it is self-signed'],
  ['by-name', 'another', 'it belongs to another client'],
  ['by-host', 'another', 'it belongs to another client'],
  ['pinned', 'certified', 'it has another key'],
  ['by-name', undefined, 'there is none'],
  ['pinned', undefined, 'there is none'],
] as const)(requirement('client-certificate', 'refuses %s with the %s certificate: %s'), async (id, which, _what) => {
  const client = await discover(id, which && certificates[which]);
  await expect(tokenOf(client, 'jwt')).rejects.toMatchObject({ error: 'invalid_client', status: 401 });
});

test.each(['by-host', 'pinned'])(
  requirement('client-certificate', '%s: the server ignores the header on a TLS connection'),
  async (id) => {
    const { raw } = new X509Certificate(certificates[id === 'pinned' ? 'selfSigned' : 'certified'].cert);
    for (const certificate of [undefined, certificates.another]) {
      const answer = await connectWith(certificate)(`${world.issuer}/token`, {
        method: 'POST',
        headers: { 'Client-Cert': `:${raw.toString('base64')}:` },
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, resource: resourceOf('jwt') }),
      });
      expect(await answer.json()).toMatchObject({ error: 'invalid_client' });
    }
  },
);

test.each(STYLES.flatMap((style) => (['by-name', 'pinned'] as const).map((id) => [style, id] as const)))(
  requirement('certificate-bound', '%s of %s'),
  async (style, id) => {
    const certificate = certificates[id === 'pinned' ? 'selfSigned' : 'certified'];
    const token = await tokenOf(await discover(id, certificate), style);
    const cnf = { 'x5t#S256': thumbprintOf(certificate) };
    if (style !== 'jwt') expect(JSON.parse(await introspect(token, 'application/json'))).toMatchObject({ cnf });
    const jwt = style === 'jwt' ? token : await introspect(token, 'application/jwt');
    expect(decodeJwt(jwt)).toMatchObject({ cnf, client_id: id });
  },
);

test(requirement('certificate-bound', 'a client with a secret also needs its certificate'), async () => {
  const authentication = oidc.ClientSecretBasic('with-secret-secret');
  const token = await tokenOf(await discover('with-secret', certificates.selfSigned, authentication), 'phantom');
  expect(JSON.parse(await introspect(token, 'application/json'))).toMatchObject({
    cnf: { 'x5t#S256': thumbprintOf(certificates.selfSigned) },
  });
  const without = await discover('with-secret', undefined, authentication);
  await expect(tokenOf(without, 'phantom')).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
});

test(requirement('certificate-bound', 'discovery announces it'), async () => {
  expect((await discover('pinned')).serverMetadata()).toMatchObject({
    tls_client_certificate_bound_access_tokens: true,
    token_endpoint_auth_methods_supported: expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']),
  });
});

test.each(['jwt', 'phantom', 'split'] as const)(
  requirement('certificate-at-the-gateway', 'from the token request to the API: %s'),
  async (style) => {
    const token = await tokenOf(await discover('pinned', certificates.selfSigned), style);
    const call = async (certificate?: Certificate) => {
      const headers = { Authorization: `Bearer ${token}` };
      return (await connectWith(certificate)(`${world.gateways[0]}/${style}/hello`, { headers })).status;
    };
    expect(await call(certificates.selfSigned)).toBe(200);
    expect(await call(certificates.another)).toBe(401);
    expect(await call()).toBe(401);
  },
);

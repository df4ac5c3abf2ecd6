import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { pino } from 'pino';
import { ConfigError } from '../config/config_error.ts';
import { checkConfig, loadConfig } from '../config/load_config.ts';
import { checkGateway, gatewayConfig } from './gateway.ts';
import { createOwnJwtKey } from './own_jwt_key.ts';
import type { Tls } from './tls/open_tls.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;
const log = pino({ level: 'silent' });
const upstream = 'https://api.internal';
const ownJwtKey = () => Promise.reject(new Error('not needed'));

let folder: string;
let keyFile: string;
const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
  keyFile = join(folder, 'key.pem');
  await writeFile(keyFile, pem);
  await writeFile(join(folder, 'ca.pem'), 'the CA');
});
afterAll(() => rm(folder, { recursive: true }));

async function configWith(changes: object) {
  const config = await loadConfig(DEMO);
  return checkConfig({ ...config, gateway: { ...config.gateway, ...changes } });
}

test.each([
  ['as text', () => pem],
  ['as a file', () => keyFile],
])('a key is given %s', async (_, given) => {
  const config = await configWith({ client: { id: 'gateway', privateKey: given() } });
  const { client } = await gatewayConfig(config, { ownJwtKey, tls: undefined });
  expect(client).toMatchObject({ id: 'gateway', privateKey: pem });
  await expect(checkGateway(config, log)).resolves.toBeUndefined();
});

test.each([
  [
    { client: { id: 'gateway', privateKey: '/nowhere/key.pem' } },
    'gateway.client.privateKey: expected PEM or JWK, or a file',
  ],
  [{ client: { id: 'gateway', privateKey: '{}' } }, 'gateway.client.privateKey must be a private key'],
  [
    { client: { id: 'gateway', privateKey: pem, algorithm: 'ES256' } },
    'gateway.client.algorithm must be one that the key can sign with, such as EdDSA',
  ],
  [{ client: { id: 'gateway', certificate: '{}', key: pem } }, 'gateway.client.certificate and client.key must be'],
  [
    {
      issuers: [
        {
          issuer: 'https://login.example.com',
          jwksUri: 'https://login.example.com/jwks',
          introspectionEndpoint: 'https://login.example.com/introspect',
          client: { id: 'gateway', privateKey: '{}' },
        },
      ],
    },
    'gateway.issuers[0].client.privateKey must be a private key',
  ],
  [
    {
      introspection: { accept: 'application/json' },
      ownJwts: { issuer: 'https://gateway.example.com', signingKey: '{"kty":"oct"}' },
    },
    'gateway.ownJwts.signingKey must be a private key, as JWK with kid and alg',
  ],
])('what cannot be used is refused before anything starts: %j', async (changes, message) => {
  const checking = checkGateway(await configWith(changes), log);
  await expect(checking).rejects.toThrow(expect.objectContaining({ code: 'config_invalid' }));
  await expect(checking).rejects.toThrow(message);
  await expect(checking).rejects.not.toThrow(pem);
});

test('gateways on one store sign with one key, which cannot be read there', async () => {
  const store = await openTokenStore(storeConfig());
  const secret = 'what the gateways on this store share';
  const key = await createOwnJwtKey(secret, store)();
  expect(await createOwnJwtKey(secret, store)()).toEqual(key);
  expect(key).toMatchObject({ kty: 'EC', alg: 'ES256', kid: expect.any(String), d: expect.any(String) });
  await expect(createOwnJwtKey('another secret', store)()).rejects.toThrow(/another secret/);
  await store.close();
});

test('without a secret the key ends with the process', async () => {
  const store = await openTokenStore(storeConfig());
  const own = createOwnJwtKey(undefined, store);
  expect(await own()).toEqual(await own());
  expect(await createOwnJwtKey(undefined, store)()).not.toEqual(await own());
  await store.close();
});

async function routesWith(settings: object, tls?: Tls) {
  const config = await loadConfig(DEMO);
  const routes = [{ prefix: '/', public: true, ...settings }];
  const checked = checkConfig({ ...config, gateway: { ...config.gateway, routes } });
  const { routes: configured } = await gatewayConfig(checked, { ownJwtKey, tls });
  return configured;
}

test('what a route says of its upstream reaches the gateway, with the files that it names', async () => {
  const settings = { preserveHost: true, rewriteResponse: { location: true, cookieDomain: '' } };
  const pem = '-----BEGIN CERTIFICATE-----';
  const upstreamTls = { ca: join(folder, 'ca.pem'), servername: 'api', certificate: pem, key: '-----BEGIN PRIVATE' };
  const [route] = await routesWith({ upstream, ...settings, upstreamTls });
  expect(route).toMatchObject({
    ...settings,
    upstreamTls: { ca: 'the CA', servername: 'api', certificate: pem, key: '-----BEGIN PRIVATE' },
  });
});

test('a route without CAs of its own trusts whom the roles trust', async () => {
  const tls = { trust: { cas: ['one', 'two'] } } as unknown as Tls;
  const [route] = await routesWith({ upstream, upstreamTls: { servername: 'api' } }, tls);
  expect(route?.upstreamTls).toEqual({ servername: 'api', ca: 'one\ntwo' });
});

test.each([
  [
    'a file that is not there',
    { upstream, upstreamTls: { ca: '/nowhere/ca.pem' } },
    'gateway.routes[0].upstreamTls.ca',
  ],
  ['a certificate alone', { upstream, upstreamTls: { certificate: 'c' } }, 'gateway.routes[0].upstreamTls'],
  ['an upstream on http', { upstream: 'http://a', upstreamTls: { servername: 'a' } }, 'gateway.routes[0].upstreamTls'],
  ['a name that is none', { upstream, upstreamTls: { servername: 'a b' } }, 'gateway.routes[0].upstreamTls.servername'],
  [
    'a domain that is none',
    { upstream, rewriteResponse: { cookieDomain: 'a;b' } },
    'gateway.routes[0].rewriteResponse.cookieDomain',
  ],
])('%s is refused, with its path', async (_, settings, path) => {
  const problem = await routesWith(settings).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ConfigError);
  expect((problem as ConfigError).problems).toEqual([expect.stringContaining(`${path}: expected`)]);
});

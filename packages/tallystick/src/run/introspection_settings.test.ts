import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { pino } from 'pino';
import { checkConfig, loadConfig } from '../config/load_config.ts';
import { checkGateway } from './gateway.ts';
import { introspectionSettings } from './introspection_settings.ts';
import { createOwnJwtKey } from './own_jwt_key.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;
const log = pino({ level: 'silent' });

let folder: string;
let keyFile: string;
const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
  keyFile = join(folder, 'key.pem');
  await writeFile(keyFile, pem);
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
  const ownJwtKey = () => Promise.reject(new Error('not needed'));
  const { client } = await introspectionSettings(config, { ownJwtKey, tls: undefined });
  expect(client).toEqual({ id: 'gateway', privateKey: pem });
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
    'gateway.ownJwts.signingKey must be a private JWK with kid and alg',
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

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RedisServer, startRedisServer } from '@tallystick/testing/redis_server';
import { storeConfig } from '../config/store_config.ts';
import { openTokenStore, StoreUnavailableError } from '../index.ts';
import { type Certificates, makeCertificates } from '../testing/certificates.ts';
import { storeOnRedis } from '../testing/store_on_redis.ts';
import { describeTokenStore } from '../testing/token_store_contract.ts';

let certificates: Certificates;
let server: RedisServer;
beforeAll(async () => {
  certificates = await makeCertificates();
  const { ca, certificate, key, pem } = certificates;
  server = await startRedisServer({
    tls: 'tls',
    settings: [
      `tls-cert-file ${certificate}`,
      `tls-key-file ${key}`,
      `tls-ca-cert-file ${ca}`,
      'tls-auth-clients yes',
      'requirepass hunter2',
    ],
    client: { db: 1, password: 'hunter2', tls: { ca: pem.ca, cert: pem.certificate, key: pem.key } },
  });
});
afterAll(async () => {
  await server?.stop();
  await certificates?.remove();
});

const url = () => `rediss://:hunter2@127.0.0.1:${server.port}/1`;

describeTokenStore('Redis (TLS)', () => {
  const { ca, certificate, key } = certificates;
  return storeOnRedis({ url: url(), tls: { ca, certificate, key } }, () => [server.admin]);
});

describe('TLS to Redis', () => {
  test('accepts certificates as text', async () => {
    const store = await openTokenStore(storeConfig({ url: url(), tls: certificates.pem }));
    await expect(store.ping()).resolves.toBeUndefined();
    await store.close();
  });

  test('refuses an untrusted server, and is refused without a client certificate', async () => {
    const { certificate, key, ca } = certificates.pem;
    for (const tls of [{ certificate, key }, { ca }]) {
      const store = await openTokenStore(storeConfig({ url: url(), tls }));
      await expect(store.ping()).rejects.toThrow(StoreUnavailableError);
      await store.close();
    }
  });

  test.each([
    [{ ca: '/no/such/file' }, /store\.tls\.ca: expected PEM/],
    [{ certificate: '-----BEGIN CERTIFICATE-----' }, /certificate and key, or neither/],
    [{ key: '/dev/null', certificate: '/dev/null' }, /store\.tls\.certificate: expected PEM/],
  ])('%j is refused', async (tls, expected) => {
    const open = async () => openTokenStore(storeConfig({ url: 'rediss://host', tls }));
    await expect(open()).rejects.toThrow(expected);
  });
});

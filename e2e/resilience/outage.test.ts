import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';

/** Seconds for which the gateway caches the JWT of a phantom token in these tests. */
const CACHE_LIFE = 3;

let world: ManyProcesses;
beforeAll(async () => {
  world = await startManyProcesses({ environment: { TALLYSTICK_GATEWAY_CACHE_MAX_AGE: String(CACHE_LIFE) } });
});
afterAll(() => world.stop());

const statusOf = async (...args: Parameters<typeof call>) => (await call(...args)).status;

test(requirement('authorization-server-stopped'), async () => {
  const [gateway] = world.gateways;
  const [jwt, split, cached, uncached] = await Promise.all([
    serviceToken(world, 'jwt'),
    serviceToken(world, 'split'),
    serviceToken(world, 'phantom'),
    serviceToken(world, 'phantom'),
  ]);
  expect(await statusOf(gateway, 'jwt', jwt)).toBe(200);
  expect(await statusOf(gateway, 'phantom', cached)).toBe(200);

  await world.stopAuthorizationServers();
  expect(await statusOf(gateway, 'phantom', cached)).toBe(200);
  expect(await statusOf(gateway, 'jwt', jwt)).toBe(200);
  expect(await statusOf(gateway, 'split', split)).toBe(200);
  const refused = await call(gateway, 'phantom', uncached);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(refused.headers.get('www-authenticate')).toBeNull();
  await until(async () => {
    const status = await statusOf(gateway, 'phantom', cached);
    expect([200, 503]).toContain(status);
    return status === 503;
  });
  expect(await statusOf(gateway, 'split', split)).toBe(200);
  expect(await statusOf(gateway, 'jwt', jwt)).toBe(200);

  await world.startAuthorizationServers();
  await until(async () => (await statusOf(gateway, 'phantom', uncached)) === 200);
  expect(await statusOf(gateway, 'phantom', cached)).toBe(200);
});

test(requirement('store-stopped'), async () => {
  const [gateway] = world.gateways;
  const [jwt, split, phantom] = await Promise.all([
    serviceToken(world, 'jwt'),
    serviceToken(world, 'split'),
    serviceToken(world, 'phantom'),
  ]);
  const junk = 'A'.repeat(86);
  expect(await statusOf(gateway, 'split', split)).toBe(200);

  await world.redisRelay.cut();
  for (let round = 0; round < 5; round++) {
    const refused = await call(gateway, 'split', junk);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(refused.headers.get('www-authenticate')).toBeNull();
    // Without the feed the gateway does not use its cache, because it would miss a revocation.
    expect(await statusOf(gateway, 'split', split)).toBe(503);
    expect(await statusOf(gateway, 'phantom', phantom)).toBe(503);
    expect(await statusOf(gateway, 'jwt', jwt)).toBe(200);
  }
  const token = await fetch(`${world.issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: 'https://api.example.com/split' }),
  });
  expect(token.status).toBe(503);

  await world.redisRelay.restore();
  await until(async () => (await statusOf(gateway, 'split', split)) === 200);
  await until(async () => (await statusOf(gateway, 'phantom', phantom)) === 200);
  expect(await statusOf(gateway, 'split', junk)).toBe(401);
  await until(() => serviceToken(world, 'split').catch(() => undefined));
});

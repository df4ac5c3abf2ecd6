import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoService, serviceToken } from '../support/clients/clients.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

const DAY = 24 * 60 * 60;
const realNow = Date.now;

let world: Controlled;
const others: Controlled[] = [];
const startAnother = async (...options: Parameters<typeof startControlled>) => {
  const other = await startControlled(...options);
  others.push(other);
  return other;
};
beforeAll(async () => {
  world = await startControlled();
});
afterAll(async () => {
  await world.stop();
  expect(Date.now).toBe(realNow);
});
afterEach(async () => {
  await world.tallystick.reset();
  for (const other of others.splice(0)) await other.stop();
});

test.each(STYLES)(requirement('clock-moves-all', '%s'), async (style) => {
  const [gateway] = world.gateways;
  const used = await world.mint(style, { expiresIn: 60 });
  const unused = await world.mint(style, { expiresIn: 60 });
  expect((await call(gateway, style, used.accessToken)).status).toBe(200);
  const atApi = style === 'opaque' ? used.accessToken : used.jwt;
  expect((await call(world.sampleApi, style, atApi)).status).toBe(200);

  expect((await world.control('POST', '/clock/advance', { seconds: 61 })).status).toBe(200);
  for (const token of [used, unused]) expect((await call(gateway, style, token.accessToken)).status).toBe(401);
  expect((await call(world.sampleApi, style, atApi)).status).toBe(401);
  const later = await serviceToken(world, style);
  expect((await call(gateway, style, later)).status).toBe(200);

  expect((await world.control('DELETE', '/clock')).body.ahead).toBe(0);
  for (const token of [used, unused]) expect((await call(gateway, style, token.accessToken)).status).toBe(200);
});

test(requirement('clock-moves-all', 'set to a moment'), async () => {
  const { body } = await world.control('PUT', '/clock', { now: '2038-01-19T03:14:08Z' });
  expect(body.now).toMatch(/^2038-01-19T03:14:0/);
  const { accessToken } = await world.mint('phantom');
  expect((await call(world.gateways[0], 'phantom', accessToken)).status).toBe(200);
  await world.control('PUT', '/clock', { now: '2038-01-20T03:14:08Z' });
  expect((await call(world.gateways[0], 'phantom', accessToken)).status).toBe(401);
});

test(requirement('clock-is-its-own'), async () => {
  const other = await startAnother();
  const token = await other.mint('phantom', { expiresIn: 60 });
  const here = await oidc.clientCredentialsGrant(await demoService(world), { resource: resourceOf('jwt') });
  world.log.secret(here.access_token);
  const before = Date.now();
  world.tallystick.clock.advance(DAY);
  expect(Date.now() - before).toBeLessThan(DAY * 1000);
  expect(world.tallystick.clock.ahead).toBe(DAY);
  expect((await other.control('GET', '/clock')).body.ahead).toBe(0);
  expect((await call(other.gateways[0], 'phantom', token.accessToken)).status).toBe(200);
  expect((await call(world.gateways[0], 'jwt', here.access_token)).status).toBe(401);
  other.tallystick.clock.advance(61);
  world.tallystick.clock.reset();
  expect((await call(other.gateways[0], 'phantom', token.accessToken)).status).toBe(401);
});

test(requirement('clock-on-redis'), async () => {
  const url = String(process.env.REDIS_URL);
  const onRedis = await startAnother((config) => ({
    ...config,
    secret: 'a secret that only this test knows',
    store: { url, prefix: `e2e:${randomUUID()}:` },
  }));
  for (const [method, path, body] of [
    ['POST', '/clock/advance', { seconds: 1 }],
    ['PUT', '/clock', { now: '2038-01-19T03:14:08Z' }],
  ] as const) {
    const answer = await onRedis.control(method, path, body);
    expect(answer).toMatchObject({ status: 409, body: { error: 'clock_fixed' } });
  }
  expect((await onRedis.control('GET', '/clock')).body.ahead).toBe(0);
  await onRedis.tallystick.reset();
});

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken, shown } from '../support/clients/clients.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());
afterEach(() => world.control('POST', '/reset'));

/** The API at `/jwt`, with a style that differs from its name. */
const put = (accessTokens: Style, more: object = {}) =>
  world.control('PUT', '/apis', { resource: resourceOf('jwt'), accessTokens, scopes: ['read', 'write'], ...more });

test.each(STYLES)(requirement('gateway-follows-apis', '%s'), async (style) => {
  expect((await put(style)).status).toBe(200);
  const token = await serviceToken(world, 'jwt');
  expect(token).toMatch({ jwt: /^[\w-]+\.[\w-]+\.[\w-]+$/, split: /^[\w-]{86}$/ }[String(style)] ?? /^[\w-]{43}$/);
  const seen = await shown(world.gateways[0], 'jwt', token);
  expect([seen.style, seen.claims.client_id]).toEqual([style, 'demo-service']);
  if (style !== 'opaque') expect(seen.headers.authorization).toMatch(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
});

test(requirement('gateway-follows-apis', 'a change needs no other request for keys'), async () => {
  await world.control('DELETE', '/requests');
  await put('split');
  await put('phantom');
  expect((await world.control('GET', '/requests')).body.requests).toEqual([]);
});

test(requirement('gateway-follows-apis', 'reset'), async () => {
  await put('phantom');
  expect((await call(world.gateways[0], 'jwt', await serviceToken(world, 'jwt'))).status).toBe(200);
  await world.control('POST', '/reset');
  const { style } = await shown(world.gateways[0], 'jwt', await serviceToken(world, 'jwt'));
  expect(style).toBe('jwt');
});

test(requirement('gateway-follows-apis', 'an API that a route names cannot be removed'), async () => {
  const before = (await world.control('GET', '/apis')).body;
  expect(await world.control('DELETE', `/apis/${encodeURIComponent(resourceOf('jwt'))}`)).toEqual({
    status: 400,
    body: {
      error: 'invalid_request',
      error_description: 'gateway.routes[0].api names this API',
      path: 'resource',
    },
  });
  expect((await world.control('GET', '/apis')).body).toEqual(before);
  expect((await call(world.gateways[0], 'jwt', await serviceToken(world, 'jwt'))).status).toBe(200);
});

import { expect, test } from '@jest/globals';
import { ConfigError } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { serviceToken, shown } from '../support/clients/clients.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';

test(requirement('identity-headers-configured'), async () => {
  const world = await startOneProcess((config) => {
    config.gateway.identityHeaders = ['Acme-*'];
    return config;
  });
  const headers = { 'Acme-User': 'mallory', Acme_Role: 'admin', 'X-Email': 'alice@example.com' };
  const { headers: seen } = await shown(world.gateways[0], 'split', await serviceToken(world, 'split'), { headers });
  expect(Object.keys(seen).filter((name) => name.startsWith('acme'))).toEqual([]);
  expect(seen).toMatchObject({ 'x-email': 'alice@example.com' });
  await world.stop();
});

test(requirement('identity-headers-configured', 'an invalid header name stops the start'), async () => {
  const started = startOneProcess((config) => {
    config.gateway.identityHeaders = ['Acme User'];
    return config;
  });
  const refused = await started.catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ConfigError);
  expect(String(refused)).toContain('gateway.identityHeaders[0]');
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoService, serviceToken } from '../support/clients/clients.ts';
import { nginxIsThere, phantomGateway, startNginx } from '../support/peers/nginx.ts';
import type { Program } from '../support/peers/program.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';

/** Seconds. */
const MAX_AGE = 2;

(nginxIsThere ? describe : describe.skip)('a phantom-token gateway that knows nothing of this project', () => {
  let world: ManyProcesses;
  let nginx: Program;
  beforeAll(async () => {
    world = await startManyProcesses({
      environment: { TALLYSTICK_AUTHORIZATION_SERVER_INTROSPECTION_MAX_AGE: String(MAX_AGE) },
    });
    nginx = await startNginx(
      phantomGateway({ introspectionEndpoint: `${world.issuer}/token/introspection`, api: world.sampleApi }),
    );
  });
  afterAll(async () => {
    await nginx.stop();
    await world.stop();
  });

  test(requirement('any-phantom-gateway'), async () => {
    const introspections = () => world.loadBalancer.count('/token/introspection');
    const token = await serviceToken(world, 'phantom');
    const before = introspections();
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await call(nginx.url, 'phantom', token)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(introspections() - before).toBe(1);
    // The cache keeps the answer for exactly the announced time.
    await until(async () => {
      expect((await call(nginx.url, 'phantom', token)).status).toBe(200);
      return introspections() - before === 2;
    });
  });

  test(requirement('any-phantom-gateway', 'a token that is not active'), async () => {
    const token = await serviceToken(world, 'phantom');
    await oidc.tokenRevocation(await demoService(world), token);
    expect((await call(nginx.url, 'phantom', token)).status).toBe(401);
    expect((await call(nginx.url, 'phantom', 'A'.repeat(43))).status).toBe(401);
    expect((await call(nginx.url, 'phantom')).status).toBe(401);
  });

  test(requirement('any-phantom-gateway', 'a valid and an invalid JWT'), async () => {
    const token = await serviceToken(world, 'jwt');
    expect((await call(nginx.url, 'jwt', token)).status).toBe(200);
    const [header, , signature] = token.split('.');
    expect((await call(nginx.url, 'jwt', `${header}.e30.${signature}`)).status).toBe(401);
    expect((await call(nginx.url, 'jwt', 'not.a.jwt')).status).toBe(401);
  });

  test(requirement('any-phantom-gateway', 'a split token'), async () => {
    const token = await serviceToken(world, 'split');
    expect((await call(nginx.url, 'split', token)).status).toBe(200);
  });
});

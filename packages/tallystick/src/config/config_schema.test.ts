import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkAuthorizationServer } from '../run/authorization_server.ts';
import { createLog } from '../run/dependencies.ts';
import { checkGateway } from '../run/gateway.ts';
import { checkSampleApi } from '../run/sample_api.ts';
import { loadConfig } from './load_config.ts';
import type { Role } from './role.ts';
import type { Config } from './schema.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(config: object, role?: Role): Promise<Config> {
  const file = join(folder, `${Math.random()}.json`);
  await writeFile(file, JSON.stringify(config));
  return loadConfig(file, {}, role);
}

const resource = 'https://api.example.com/orders';
const client = { id: 'gateway', secret: 'gateway-secret' };
const route = { prefix: '/orders', api: resource };
const apis = [{ resource, scopes: ['read'] }];
const opaqueApi = { resource, accessTokens: 'opaque' };
const log = createLog('silent');

const own: Record<Role, object> = {
  'authorization-server': { apis, clients: [] },
  gateway: { apis, gateway: { client, routes: [route] } },
  'sample-api': { apis, sampleApi: { client }, gateway: { routes: [route] } },
};
const checks: Record<Role, (config: Config) => void | Promise<void>> = {
  'authorization-server': (config) => checkAuthorizationServer(config, log),
  gateway: (config) => checkGateway(config, log),
  'sample-api': checkSampleApi,
};

describe('a role on its own', () => {
  test.each(['authorization-server', 'gateway', 'sample-api'] as const)(
    '%s needs only its own sections',
    async (role) => {
      await checks[role](await load(own[role], role));
    },
  );

  test('accepts a gateway without own APIs and a sample API without routes', async () => {
    const issuer = 'https://idp.example.com';
    const foreign = { ...route, issuer, accessTokens: 'jwt', upstream: 'http://localhost:5000' };
    await checks.gateway(await load({ gateway: { client, issuers: [{ issuer }], routes: [foreign] } }, 'gateway'));
    await checks['sample-api'](await load({ sampleApi: { client } }, 'sample-api'));
  });

  test('needs only those values of other sections that it reads', async () => {
    const url = 'http://sample-api:4200';
    expect((await load({ ...own.gateway, sampleApi: { url } }, 'gateway')).sampleApi.url).toBe(url);
    await load({ ...own['authorization-server'], gateway: { publicUrl: url } }, 'authorization-server');
  });

  test.each<[Role, object, string]>([
    ['gateway', { apis }, 'gateway.client: expected the client with which the gateway introspects tokens for https'],
    ['gateway', { gateway: { client, routes: [route] } }, 'gateway.routes[0].api: expected the resource of one of the'],
    ['sample-api', { apis: [opaqueApi] }, 'sampleApi.client: expected the client with which the sample API introspect'],
  ])('%s is refused without values that it needs', async (role, config, problem) => {
    await expect(load(config, role)).rejects.toThrow(problem);
  });

  test.each<[Role, object, string]>([
    ['authorization-server', { gateway: { routes: [{ ...route, prefix: '/a//b' }] } }, 'gateway.routes[0].prefix: '],
    ['gateway', { clients: [{ id: 'other' }] }, 'gateway.client.id: expected the id of a client with `introspects`'],
    ['gateway', { sampleApi: { port: 'x' } }, 'sampleApi.port: expected number; found "x"'],
  ])('%s is refused if a section of another role is invalid', async (role, config, problem) => {
    await expect(load({ ...own[role], ...config }, role)).rejects.toThrow(problem);
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ConfigError } from '../config/config_error.ts';
import { checkConfig, loadConfig } from '../config/load_config.ts';
import { gatewayRoutes } from './route_configs.ts';
import type { Tls } from './tls/trust.ts';
import { withUpstreamTls } from './upstream_tls_settings.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;
const upstream = 'https://api.internal';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
  await writeFile(join(folder, 'ca.pem'), 'the CA');
});
afterAll(() => rm(folder, { recursive: true }));

async function routesWith(settings: object, tls?: Tls) {
  const config = await loadConfig(DEMO);
  const routes = [{ prefix: '/', public: true, ...settings }];
  const checked = checkConfig({ ...config, gateway: { ...config.gateway, routes } });
  return withUpstreamTls(checked, gatewayRoutes(checked), tls);
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
  expect(route?.upstreamTls).toEqual({ servername: 'api', ca: ['one', 'two'] });
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

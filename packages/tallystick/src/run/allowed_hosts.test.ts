import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import type { AllowsHost } from '@tallystick/common';
import { checkConfig, loadConfig } from '../config/load_config.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import { allowedHosts, allowedOperationsHosts, otherHostsAtGateway } from './allowed_hosts.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;

async function configured(changes: Partial<ConfigInput>): Promise<Config> {
  const { allowedHosts: _, ...demo } = await loadConfig(DEMO);
  return checkConfig({ ...demo, ...changes });
}

const reachedAt = (localAddress: string) => ({ socket: { localAddress } }) as IncomingMessage;
const among = (allows: AllowsHost | undefined, names: readonly string[], at = '127.0.0.1') =>
  names.filter((name) => allows === undefined || allows(name, reachedAt(at)));

const issuer = 'https://login.example.com';
const names = [
  ...['login.example.com', 'authorization-server', 'gateway.example.com', 'sample-api', 'tls.example.com', '192.0.2.1'],
  ...['listed.example', 'a.listed.example', 'evil.example'],
];
const named = (config: Config): Partial<ConfigInput> => ({
  issuer,
  authorizationServer: { ...config.authorizationServer, backChannelUrl: 'http://authorization-server:4000' },
  sampleApi: { ...config.sampleApi, url: 'http://sample-api:4200' },
  tls: { selfMade: true, hosts: ['tls.example.com', '192.0.2.1'] },
});

test.each([
  ['authorizationServer', ['login.example.com', 'authorization-server', 'tls.example.com', '192.0.2.1']],
  ['sampleApi', ['sample-api', 'tls.example.com', '192.0.2.1']],
  ['controlApi', []],
] as const)('%s accepts its own names', async (role, expected) => {
  const config = await configured(named(await configured({})));
  expect(among(await allowedHosts(config, role), names)).toEqual(expected);
});

test('every server but the control API accepts the names in allowedHosts', async () => {
  const config = await configured({ allowedHosts: ['listed.example', '*.listed.example'] });
  const listed = ['listed.example', 'a.listed.example'];
  expect(among(await allowedHosts(config, 'authorizationServer'), names)).toEqual(listed);
  expect(among(await allowedHosts(config, 'sampleApi'), names)).toEqual(listed);
  expect(among(await allowedOperationsHosts(config, 'localhost'), names)).toEqual(listed);
  expect(among(await allowedHosts(config, 'controlApi'), names)).toEqual([]);
});

test.each([
  ['localhost', undefined, 'trustedProxies'],
  ['127.0.0.1', undefined, 'trustedProxies'],
  ['127.0.1.7', undefined, 'trustedProxies'],
  ['::1', undefined, 'trustedProxies'],
  ['0.0.0.0', undefined, 'anybody'],
  ['::', undefined, 'anybody'],
  ['192.0.2.1', undefined, 'anybody'],
  ['localhost', [], 'nobody'],
  ['0.0.0.0', [], 'nobody'],
] as const)('at %s with allowedHosts %j the gateway accepts other hosts from %s', async (host, list, expected) => {
  const config = await configured({ host, ...(list && { allowedHosts: [...list] }) });
  expect(await otherHostsAtGateway(config)).toBe(expected);
  const evil = expected === 'anybody' ? ['evil.example'] : [];
  for (const role of ['authorizationServer', 'sampleApi'] as const) {
    expect(among(await allowedHosts(config, role), ['evil.example'])).toEqual(evil);
  }
  expect(among(await allowedOperationsHosts(config, host), ['evil.example'])).toEqual(evil);
  expect(among(await allowedHosts(config, 'controlApi'), ['evil.example'])).toEqual([]);
});

test('a server accepts the address of the connection as a host, such as that of a container in a health check', async () => {
  const allows = await allowedHosts(await configured({ host: '0.0.0.0', allowedHosts: [] }), 'authorizationServer');
  const addresses = ['10.0.0.5', '10.0.0.6', '[2001:db8::1]', '[2001:db8::2]'];
  expect(among(allows, addresses, '10.0.0.5')).toEqual(['10.0.0.5']);
  expect(among(allows, addresses, '::ffff:10.0.0.6')).toEqual(['10.0.0.6']);
  expect(among(allows, addresses, '2001:db8::1')).toEqual(['[2001:db8::1]']);
});

test('a server accepts the address that it listens on as a host', async () => {
  const config = await configured({ host: '192.0.2.1', allowedHosts: [] });
  expect(among(await allowedHosts(config, 'sampleApi'), names)).toEqual(['192.0.2.1']);
});

test.each(['a:80', 'http://a', '*', ''])('allowedHosts refuses %j', async (host) => {
  await expect(configured({ allowedHosts: [host] })).rejects.toThrow('allowedHosts[0]: expected a host name');
  const controlApi = { enabled: true, allowedHosts: [host] };
  await expect(configured({ controlApi })).rejects.toThrow('controlApi.allowedHosts[0]: expected a host name');
});

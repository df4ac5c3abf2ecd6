import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { type RedisCluster, startRedisCluster } from '@tallystick/testing/redis_cluster';
import { startRedisSentinels } from '@tallystick/testing/redis_sentinel';
import { type RedisServer, startRedisServer } from '@tallystick/testing/redis_server';
import { until } from '@tallystick/testing/until';
import { tokenKey } from '@tallystick/token-store';
import { documentedAcl } from '../../packages/token-store/src/testing/documented_acl.ts';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { resourceOf } from '../support/worlds/world.ts';

const PREFIX = 'e2e:redis-that-changes:';

async function startOn(url: string, environment: Record<string, string> = {}): Promise<ManyProcesses> {
  const storeUrls = { authorizationServer: url, gateway: url };
  // No caches, so every call needs the store or the authorization server.
  const cold = { TALLYSTICK_GATEWAY_CACHE_MAX_AGE: '1', TALLYSTICK_GATEWAY_CACHE_NEGATIVE_MAX_AGE: '1' };
  const world = await startManyProcesses({ storeUrls, prefix: PREFIX, environment: { ...cold, ...environment } });
  onTestFinished(() => world.stop());
  return world;
}

/** Requests tokens, calls APIs with them through both gateways, and records every status. */
function startClients(world: ManyProcesses, tokens: { split: string[]; phantom: string[] }) {
  const statuses = { gateway: new Map<number, number>(), tokenEndpoint: new Map<number, number>() };
  const count = (map: Map<number, number>, status: number) => map.set(status, (map.get(status) ?? 0) + 1);
  const recent = { calls: [] as boolean[], tokens: [] as boolean[] };
  let isStopping = false;

  async function callApis(gateway: string, style: 'split' | 'phantom') {
    for (let round = 0; !isStopping; round++) {
      const answer = await call(gateway, style, tokens[style][round % tokens[style].length]);
      await answer.arrayBuffer();
      count(statuses.gateway, answer.status);
      recent.calls.push(answer.status === 200);
    }
  }

  async function askForTokens() {
    while (!isStopping) {
      const answer = await fetch(`${world.issuer}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf('split'), scope: 'read' }),
      });
      const { access_token: token } = (await answer.json()) as { access_token?: string };
      count(statuses.tokenEndpoint, answer.status);
      recent.tokens.push(answer.status === 200);
      if (token === undefined) continue;
      world.log.secret(token);
      const first = await call(world.gateways[0], 'split', token);
      await first.arrayBuffer();
      count(statuses.gateway, first.status);
    }
  }

  const clients = Promise.all([
    ...world.gateways.flatMap((gateway) => [callApis(gateway, 'split'), callApis(gateway, 'phantom')]),
    askForTokens(),
  ]);
  return {
    statuses,
    /** Resolves when the last 100 calls and the last 10 token requests succeeded. */
    async recovered() {
      recent.calls.length = 0;
      recent.tokens.length = 0;
      const giveUp = Date.now() + 120_000;
      const isGood = (answers: boolean[], last: number) =>
        answers.length >= last && answers.slice(-last).every(Boolean);
      while (!isGood(recent.calls, 100) || !isGood(recent.tokens, 10)) {
        if (Date.now() > giveUp) throw new Error('not recovered in two minutes');
        await pause(20);
      }
    },
    async stop() {
      isStopping = true;
      await clients;
      return { gateway: [...statuses.gateway.keys()].sort(), tokenEndpoint: [...statuses.tokenEndpoint.keys()].sort() };
    },
  };
}

async function liveTokens(world: ManyProcesses) {
  const of = (style: 'split' | 'phantom') => Promise.all(Array.from({ length: 8 }, () => serviceToken(world, style)));
  return { split: await of('split'), phantom: await of('phantom') };
}

/** Revokes a token and expects both gateways to refuse it. */
async function expectRevocable(world: ManyProcesses, token: string) {
  const revocation = await fetch(`${world.issuer}/token/revocation`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
    body: new URLSearchParams({ token }),
  });
  expect(revocation.status).toBe(200);
  for (const gateway of world.gateways) await until(async () => (await call(gateway, 'split', token)).status === 401);
}

test(requirement('redis-changes-under-load', 'Sentinel'), async () => {
  const redis = await startRedisSentinels();
  onTestFinished(() => redis.stop());
  const world = await startOn(redis.url, { TALLYSTICK_STORE_WAIT_FOR_REPLICAS: '1' });
  const tokens = await liveTokens(world);
  const clients = startClients(world, tokens);
  await clients.recovered();
  const before = await redis.master();
  await redis.sentinels[0]?.admin.call('SENTINEL', 'FAILOVER', 'mymaster');
  await until(async () => (await redis.master()) !== before);
  await clients.recovered();
  const seen = await clients.stop();
  for (const statuses of [seen.gateway, seen.tokenEndpoint]) expect([[200], [200, 503]]).toContainEqual(statuses);
  await expectRevocable(world, String(tokens.split[0]));
});

test(requirement('redis-changes-under-load', 'Cluster'), async () => {
  const redis = await startRedisCluster({ replicas: 1 });
  onTestFinished(() => redis.stop());
  const world = await startOn(redis.url, { TALLYSTICK_STORE_WAIT_FOR_REPLICAS: '1' });
  const tokens = await liveTokens(world);
  const clients = startClients(world, tokens);
  await clients.recovered();
  await moveToNext(redis, [...tokens.split, ...tokens.phantom]);
  await clients.recovered();
  const [victim] = redis.masters as [RedisServer];
  await victim.kill();
  await until(async () => (await redis.replicas[0]?.admin.info('replication'))?.includes('role:master') ?? false);
  await victim.start();
  await clients.recovered();
  const seen = await clients.stop();
  expect(seen).toEqual({ gateway: [200, 503], tokenEndpoint: [200, 503] });
  await expectRevocable(world, String(tokens.split[0]));
});

/** Moves the slot of each token to another master. */
async function moveToNext({ masters, moveSlot }: RedisCluster, tokens: readonly string[]) {
  for (const token of tokens) {
    const key = `${PREFIX}{${tokenKey(token)}}:`;
    const slot = Number(await masters[0]?.admin.call('CLUSTER', 'KEYSLOT', key));
    for (const [index, { admin }] of masters.entries()) {
      if (Number(await admin.call('CLUSTER', 'COUNTKEYSINSLOT', String(slot))) === 0) continue;
      await moveSlot(slot, masters[index] as RedisServer, masters[(index + 1) % masters.length] as RedisServer);
      break;
    }
  }
}

test(requirement('redis-few-rights'), async () => {
  const redis = await startRedisServer();
  onTestFinished(() => redis.stop());
  for (const user of ['authorization-server', 'gateway'] as const) {
    await redis.admin.acl('SETUSER', user, ...documentedAcl(user, PREFIX));
  }
  const urlFor = (user: string) => `redis://${user}:password@127.0.0.1:${redis.port}`;
  const storeUrls = { authorizationServer: urlFor('authorization-server'), gateway: urlFor('gateway') };
  const world = await startManyProcesses({ storeUrls, prefix: PREFIX });
  onTestFinished(() => world.stop());
  const [gateway] = world.gateways;
  for (const style of ['jwt', 'opaque', 'phantom', 'split'] as const) {
    const { tokens } = await signIn(world, { style });
    expect((await call(gateway, style, tokens.access_token)).status).toBe(200);
  }
  expect((await fetch(`${gateway}/readyz`)).status).toBe(200);
  await expectRevocable(world, await serviceToken(world, 'split'));
  expect(await redis.admin.acl('LOG')).toEqual([]);
});

test(requirement('redis-as-asked-for'), async () => {
  const redis = await startRedisServer();
  onTestFinished(() => redis.stop());
  for (const user of ['authorization-server', 'gateway'] as const) {
    await redis.admin.acl('SETUSER', user, ...documentedAcl(user, PREFIX), '+select');
  }
  const urlFor = (user: string) => `redis://${user}:password@127.0.0.1:${redis.port}/1`;
  const storeUrls = { authorizationServer: urlFor('authorization-server'), gateway: urlFor('gateway') };
  const world = await startManyProcesses({ storeUrls, prefix: PREFIX, gatewayCount: 1 });
  onTestFinished(() => world.stop());
  const token = await serviceToken(world, 'split');
  const forbid = async (rule: string, expected: string) => {
    await redis.admin.acl('SETUSER', 'gateway', rule);
    await redis.admin.acl('SETUSER', 'authorization-server', rule);
    const gateway = await world.startGateway({});
    const ready = await fetch(`${gateway}/readyz`);
    const reasons = { 'token-store': expect.stringContaining(expected) };
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not ready', unready: ['token-store'], reasons },
    ]);
    expect((await call(gateway, 'split', token)).status).toBe(503);
    expect(world.log.text()).toContain(expected);
    return gateway;
  };
  const allow = async (rule: string, gateway: string) => {
    await redis.admin.acl('SETUSER', 'gateway', rule);
    await redis.admin.acl('SETUSER', 'authorization-server', rule);
    await until(async () => (await fetch(`${gateway}/readyz`)).status === 200);
    expect((await call(gateway, 'split', token)).status).toBe(200);
  };
  await allow('+get', await forbid('-get', 'the user lacks rights: it may not run GET'));
  const gateway = await forbid('-select', 'the database cannot be selected: the user may not run SELECT');
  await world.stopAuthorizationServers();
  const starting = world.startAuthorizationServers();
  await until(() => /waiting for the token store \(.*the database cannot be selected/.test(world.log.text()));
  await allow('+select', gateway);
  await starting;
  expect((await call(gateway, 'split', await serviceToken(world, 'split'))).status).toBe(200);
});

test(requirement('redis-evicts'), async () => {
  const redis = await startRedisServer({ settings: ['maxmemory-policy allkeys-lru'] });
  onTestFinished(() => redis.stop());
  const url = `redis://127.0.0.1:${redis.port}`;
  const world = await startManyProcesses({
    storeUrls: { authorizationServer: url, gateway: url },
    prefix: PREFIX,
    gatewayCount: 1,
  });
  onTestFinished(() => world.stop());
  const [gateway] = world.gateways;
  const ready = await fetch(`${gateway}/readyz`);
  const warning = expect.stringContaining('maxmemory-policy is allkeys-lru');
  expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', warnings: [warning] }]);
  expect(world.log.text()).toContain('maxmemory-policy is allkeys-lru');

  const kids = async () => {
    const { keys } = (await (await fetch(`${world.issuer}/jwks`)).json()) as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid);
  };
  const before = await kids();
  const token = await serviceToken(world, 'jwt');
  expect(await redis.admin.del(`${PREFIX}kept:signing-keys`)).toBe(1);
  expect(await kids()).toEqual(before);
  expect(await redis.admin.exists(`${PREFIX}kept:signing-keys`)).toBe(1);
  expect(world.log.text()).toContain('this server restores them');
  await world.stopAuthorizationServers();
  await world.startAuthorizationServers();
  expect(await kids()).toEqual(before);
  expect((await call(gateway, 'jwt', token)).status).toBe(200);
});

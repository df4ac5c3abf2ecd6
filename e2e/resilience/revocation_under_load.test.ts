import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { relayTo, type TcpRelay } from '@tallystick/testing/tcp_relay';
import { until } from '@tallystick/testing/until';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoService, serviceToken } from '../support/clients/clients.ts';
import { type Called, startTokenLoad, type TokenLoad } from '../support/clients/token_load.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import type { Style } from '../support/worlds/world.ts';

/** Number of tokens to revoke under load. `npm run measure:revocation` sets a larger one. */
const ROUNDS = Number(process.env.REVOCATION_ROUNDS ?? 30);
const GATEWAYS = 4;
/** Milliseconds after the answer to a revocation: far more than gateways need, for busy machines. */
const BOUND = 1_000;
/** The same for a stalled feed. A gateway notices it by a ping each second, with a timeout of two seconds. */
const STALLED_BOUND = 4_500;
const REVOCABLE = ['phantom', 'split'] as const;

let world: ManyProcesses;
/** The relay between the gateways and Redis. The authorization servers do not use it. */
let relay: TcpRelay;
let client: oidc.Configuration;

beforeAll(async () => {
  const redis = new URL(String(process.env.REDIS_URL));
  relay = await relayTo({ host: redis.hostname, port: Number(redis.port || 6379) });
  redis.host = `127.0.0.1:${relay.port}`;
  world = await startManyProcesses({
    gatewayCount: GATEWAYS,
    environment: { TALLYSTICK_LOG_LEVEL: 'warn' },
    gatewayEnvironment: { TALLYSTICK_STORE_URL: redis.href },
  });
  client = await demoService(world);
});
afterAll(async () => {
  await world.stop();
  await relay.close();
});

/** Revokes a token. @returns the time of the answer */
async function revoke(token: string): Promise<number> {
  await oidc.tokenRevocation(client, token);
  return performance.now();
}

/** Calls every gateway with a token, waits until each has served it, and continues until `during` ends. */
async function underLoad(style: Style, during: (token: string, load: TokenLoad) => Promise<void>): Promise<TokenLoad> {
  const token = await serviceToken(world, style);
  const load = startTokenLoad(world.gateways, style, token);
  try {
    await until(() => world.gateways.every((_, gateway) => countOf(load.calls, gateway, 200) >= 5));
    await during(token, load);
  } finally {
    await load.stop();
  }
  return load;
}

const countOf = (calls: readonly Called[], gateway: number, status: number) =>
  calls.filter((each) => each.gateway === gateway && each.status === status).length;

const refusedEverywhere = ({ calls }: TokenLoad) =>
  until(() => world.gateways.every((_, gateway) => countOf(calls, gateway, 401) > 0));

const servedAfter = ({ calls }: TokenLoad, time: number) =>
  calls.filter(({ status, sentAt }) => status === 200 && sentAt > time);

test(
  requirement('revocation-under-load'),
  async () => {
    const delays: number[] = [];
    const revoked: { style: Style; token: string }[] = [];
    let servedLate = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const style = REVOCABLE[round % REVOCABLE.length] as Style;
      let revokedAt = 0;
      const load = await underLoad(style, async (token, running) => {
        revokedAt = await revoke(token);
        revoked.push({ style, token });
        await refusedEverywhere(running);
      });
      for (const gateway of world.gateways.keys()) {
        const first = load.calls.find((each) => each.gateway === gateway && each.status === 401);
        delays.push(Math.max(0, Number(first?.answeredAt) - revokedAt));
      }
      servedLate += servedAfter(load, revokedAt).length;
      expect(servedAfter(load, revokedAt + BOUND)).toEqual([]);
      expect(new Set(load.calls.map(({ status }) => status))).toEqual(new Set([200, 401]));
    }
    console.log(
      `${ROUNDS} revocations at ${GATEWAYS} gateways: ${percentiles(delays)}; ${servedLate} requests sent after the answer were served`,
    );
    // The tokens stay revoked.
    for (const { style, token } of revoked) {
      const statuses = await Promise.all(
        world.gateways.map(async (gateway) => (await call(gateway, style, token)).status),
      );
      expect(statuses).toEqual(world.gateways.map(() => 401));
    }
  },
  Math.max(300_000, ROUNDS * 4_000),
);

test.each(REVOCABLE)(requirement('revocation-unheard', '%s, the feed cut'), async (style) => {
  let revokedAt = 0;
  const load = await underLoad(style, async (token, running) => {
    // Cuts the feed during the revocation, so only some of the gateways may get it.
    [revokedAt] = await Promise.all([revoke(token), relay.cut()]);
    await until(() => running.calls.some(({ sentAt }) => sentAt > revokedAt));
    await relay.restore();
    await refusedEverywhere(running);
  });
  expect(servedAfter(load, revokedAt + BOUND)).toEqual([]);
});

test.each(REVOCABLE)(requirement('revocation-unheard', '%s, the feed stalled'), async (style) => {
  let revokedAt = 0;
  const load = await underLoad(style, async (token, running) => {
    relay.stall();
    revokedAt = await revoke(token);
    // The gateways do not know that the feed is stalled and serve the token until they notice.
    await until(() => running.calls.some(({ sentAt }) => sentAt > revokedAt + STALLED_BOUND));
    expect(servedAfter(running, revokedAt + STALLED_BOUND)).toEqual([]);
    await relay.restore();
    await refusedEverywhere(running);
  });
  expect(servedAfter(load, revokedAt + STALLED_BOUND)).toEqual([]);
});

test(requirement('revocation-in-flight'), async () => {
  await Promise.all(world.gateways.map((gateway) => until(async () => (await fetch(`${gateway}/readyz`)).ok)));
  for (let round = 0; round < 5; round++) {
    const [token, later] = [await serviceToken(world, 'phantom'), await serviceToken(world, 'split')];
    const answers = async (style: Style, presented: string) =>
      Promise.all(world.gateways.map(async (gateway) => (await call(gateway, style, presented)).status));
    const all = (status: number) => world.gateways.map(() => status);
    await until(async () => String(await answers('split', later)) === String(all(200)));

    const held = world.loadBalancer.hold('/token/introspection');
    const inFlight = answers('phantom', token);
    // The answer that the token is active is ready for every gateway, but held back.
    await until(() => held.count() === GATEWAYS);
    await revoke(token);
    // The feed keeps the order: a gateway that got the second revocation also got the first.
    await revoke(later);
    await until(async () => String(await answers('split', later)) === String(all(401)));
    held.release();
    expect(await inFlight).toEqual(all(401));
    expect(await answers('phantom', token)).toEqual(all(401));
  }
});

function percentiles(milliseconds: readonly number[]): string {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(1);
  return `first 401 after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`;
}

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openConnection } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { type Measurement, measured } from '../support/worlds/measured.ts';
import { STYLES, type Style } from '../support/worlds/world.ts';
import { corpus } from './corpus.ts';
import { statusesIn } from './statuses.ts';
import { type StrictUpstream, startStrictUpstream } from './strict_upstream.ts';

/** Number of requests to send. `npm run soak` sets a larger one. */
const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 10_000);
const AT_ONCE = 16;
const MIB = 1024 * 1024;

const { environment, measure } = measured();
const cases = Object.values(corpus).flat();
const tokens = {} as Record<Style, string>;
let world: ManyProcesses;
let upstream: StrictUpstream;

beforeAll(async () => {
  upstream = await startStrictUpstream();
  world = await startManyProcesses({
    gatewayCount: 1,
    environment: { TALLYSTICK_LOG_LEVEL: 'warn' },
    gatewayEnvironment: { ...environment, TALLYSTICK_SAMPLE_API_URL: upstream.url },
  });
  for (const style of STYLES) tokens[style] = await serviceToken(world, style, 'read write');
});
afterAll(async () => {
  await world.stop();
  await upstream.stop();
});

test(
  requirement('malformed-requests-soak'),
  async () => {
    await attack(ROUNDS / 5);
    const first = await settled();
    await attack((ROUNDS * 2) / 5);
    const second = await settled();
    await attack((ROUNDS * 2) / 5);
    const third = await settled();
    console.log(
      `after ${ROUNDS / 5}, ${(ROUNDS * 3) / 5} and ${ROUNDS} rounds: ${[first, second, third].map(inWords).join('; ')}`,
    );

    expect(third.heapUsed - first.heapUsed).toBeLessThan(4 * MIB);
    expect(third.arrayBuffers - first.arrayBuffers).toBeLessThan(4 * MIB);
    // Idle connections for later requests are allowed; connections of finished requests are not.
    expect(third.sockets).toBeLessThanOrEqual(AT_ONCE * 2);
    await until(() => upstream.unfinished() === 0);
    expect(upstream.connections()).toBeLessThanOrEqual(AT_ONCE * 2);
    expect(upstream.faults).toEqual([]);
    expect(world.log.text()).not.toMatch(/uncaught|unhandled|internal error in the gateway/i);
    for (const style of STYLES) expect((await call(world.gateways[0], style, tokens[style])).status).toBe(200);
  },
  Math.max(120_000, ROUNDS * 20),
);

/** Sends this number of cases, some of them concurrently. `gateway.test.ts` checks the outcome of each. */
async function attack(rounds: number): Promise<void> {
  let round = 0;
  const worker = async () => {
    for (let mine = round++; mine < rounds; mine = round++) {
      const raw = cases[mine % cases.length];
      const style = STYLES[(mine + Math.floor(mine / cases.length)) % STYLES.length];
      if (raw === undefined || style === undefined) throw new Error('there is no case');
      if (raw.exceptFor === style) continue;
      const client = await openConnection(world.gateways[0]);
      const expected = new RegExp(`^(${raw.answers})$`);
      await client.write(raw.bytes.replaceAll('{path}', `/${style}`).replaceAll('{token}', tokens[style]));
      await client.settled((text) => expected.test(statusesIn(text)));
      await client.end();
      upstream.requests.length = 0;
      upstream.bytes = '';
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The resources that the gateway keeps after all clients closed their connections. */
async function settled(): Promise<Measurement> {
  let measurement = await measure();
  await until(async () => {
    measurement = await measure();
    return measurement.sockets <= AT_ONCE * 2;
  });
  return measurement;
}

function inWords({ heapUsed, arrayBuffers, rss, sockets }: Measurement): string {
  const [heap, buffers, all] = [heapUsed, arrayBuffers, rss].map((bytes) => (bytes / MIB).toFixed(1));
  return `heap ${heap} MiB, buffers ${buffers} MiB, resident ${all} MiB, ${sockets} sockets`;
}

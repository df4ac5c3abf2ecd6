import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { flood } from '../testing/flood.ts';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture(() => ({
    // Long enough for a busy machine.
    timeouts: { authorizationServer: 30_000, upstream: 30_000 },
    introspection: { maxConcurrent: 16, maxWaiting: 64 },
  }));
  expect((await fetch(`${fixture.origin}/readyz`)).status).toBe(200);
});
afterEach(() => fixture.stop());

/** Clears the records of the fixture, which no gateway would have. */
function forgetRecords(): void {
  fixture.log.length = 0;
  fixture.authorizationServer.introspections.length = 0;
  fixture.upstream.seen.length = 0;
}

/** Bytes. */
function heapUsed(): number {
  forgetRecords();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Reads the response to its end: an unread response would keep its connection until it is garbage-collected. */
async function statusOf(token: string): Promise<number> {
  const answer = await fixture.call('/phantom', token);
  await answer.arrayBuffer();
  return answer.status;
}

function* junk(count: number, shape: (random: string) => string): Generator<string> {
  for (let index = 0; index < count; index += 1) yield shape(randomBytes(32).toString('base64url'));
}

const options = () => ({ port: fixture.port, from: '127.0.0.66', path: '/phantom/a', connections: 32, window: 16 });

test('50,000 malformed tokens cause no introspection', async () => {
  const impossible = junk(50_000, (random) => `${random}${random.slice(0, 1)}`);
  const statuses = await flood(impossible, options());
  expect([...statuses]).toEqual([[401, 50_000]]);
  expect(fixture.authorizationServer.introspections).toEqual([]);
});

test('50,000 well-formed invalid tokens use bounded memory, and valid requests are still served', async () => {
  // Slow, as over a network, so that there are always more lookups than may run.
  fixture.authorizationServer.onIntrospection = (response, token) => {
    const jwt = fixture.authorizationServer.active.get(token);
    const answer = () =>
      jwt === undefined
        ? response.writeHead(204).end()
        : response.writeHead(200, { 'Content-Type': 'application/jwt', 'Cache-Control': 'max-age=60' }).end(jwt);
    setTimeout(answer, 5);
  };
  const hot = await fixture.issueReference(api('phantom'));
  expect((await fixture.call('/phantom', hot)).status).toBe(200);
  await flood(junk(2_000, String), options());
  const before = heapUsed();

  let over = false;
  let mostWaiting = 0;
  const flooding = flood(junk(50_000, String), options()).finally(() => {
    over = true;
  });
  const live: number[] = [];
  while (!over) {
    const cold = await fixture.issueReference(api('phantom'));
    live.push(await statusOf(hot), await statusOf(cold));
    const [load] = fixture.gateway.introspectionLoads().values();
    mostWaiting = Math.max(mostWaiting, load?.waiting ?? 0);
    expect(load?.running).toBeLessThanOrEqual(16);
    fixture.authorizationServer.active.delete(cold);
  }

  const statuses = await flooding;
  expect(statuses.get(401)).toBeGreaterThan(0);
  expect(statuses.get(503)).toBeGreaterThan(0);
  expect(Number(statuses.get(401)) + Number(statuses.get(503))).toBe(50_000);
  expect(mostWaiting).toBeGreaterThan(0);
  expect(mostWaiting).toBeLessThanOrEqual(64);
  expect(live.length).toBeGreaterThan(10);
  expect(live.filter((status) => status !== 200)).toEqual([]);
  expect(heapUsed() - before).toBeLessThan(8 * 1024 * 1024);
});

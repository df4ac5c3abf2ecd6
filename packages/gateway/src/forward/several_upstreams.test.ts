import { describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import type { RouteInput } from '../testing/gateway_config.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { startRawUpstream, startUpstream, type TestUpstream } from '../testing/servers.ts';

/** Starts a fixture with one public route to these upstreams. */
function startFixtureBefore(upstreams: readonly string[], change: Partial<RouteInput> = {}): Promise<GatewayFixture> {
  return startForTest(
    startGatewayFixture(() => ({
      routes: [
        { prefix: '/', public: true, upstreams, upstreamHealth: { maxFailures: 2, coolDown: 1_000 }, ...change },
      ],
    })),
  );
}

const status = async (fixture: GatewayFixture, init?: RequestInit) =>
  (await fixture.call('/a', undefined, init)).status;

/** A port on which no server listens. */
async function closedPort(): Promise<string> {
  const upstream = await startUpstream();
  await upstream.stop();
  return upstream.origin;
}

const healthOf = (fixture: GatewayFixture, origin: string) =>
  fixture.gateway.upstreamHealth()[0]?.upstreams.find((upstream) => upstream.origin === origin);

describe('Several upstreams of a route', () => {
  test('take turns, each under its own Host', async () => {
    const [a, b] = [await startForTest(startUpstream()), await startForTest(startUpstream())];
    const fixture = await startFixtureBefore([a.origin, b.origin]);
    for (let count = 0; count < 4; count += 1) expect(await status(fixture)).toBe(200);
    for (const upstream of [a, b]) {
      expect(upstream.seen.map(({ headers }) => headers.host)).toEqual(Array(2).fill(`127.0.0.1:${upstream.port}`));
    }
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])(
    'one refuses the connection: a %s goes to another',
    async (method) => {
      const alive = await startForTest(startUpstream());
      const dead = await closedPort();
      const fixture = await startFixtureBefore([dead, alive.origin]);
      expect(await status(fixture, { method })).toBe(200);
      expect(alive.seen).toEqual([expect.objectContaining({ method })]);
      expect(alive.seen[0]?.headers.host).toBe(`127.0.0.1:${alive.port}`);
      expect(healthOf(fixture, dead)).toMatchObject({ failures: 1, isHealthy: true });
    },
  );

  test('one refuses the connection: a request with a body, or that is not idempotent, is not sent again', async () => {
    const alive = await startForTest(startUpstream());
    const fixture = await startFixtureBefore([await closedPort(), alive.origin], {
      upstreamHealth: { maxFailures: 100 },
    });
    const statuses = [];
    for (const init of [{ method: 'POST' }, { method: 'PUT', body: 'x' }, { method: 'POST', body: 'x' }]) {
      statuses.push(await status(fixture, init), await status(fixture, init));
    }
    expect(statuses).toEqual([502, 200, 502, 200, 502, 200]);
  });

  test('one accepts the connection and breaks it off: nothing is sent to another', async () => {
    let connections = 0;
    const broken = await startForTest(
      startRawUpstream((socket) => {
        connections += 1;
        socket.once('data', () => socket.destroy());
      }),
    );
    const alive = await startForTest(startUpstream());
    const fixture = await startFixtureBefore([broken.origin, alive.origin]);
    expect(await status(fixture)).toBe(502);
    expect([connections, alive.seen.length]).toEqual([1, 0]);
  });

  test('one stops, with reused connections: idempotent requests go to another', async () => {
    const [leaving, alive] = [await startUpstream(), await startForTest(startUpstream())];
    const fixture = await startFixtureBefore([leaving.origin, alive.origin], { upstreamHealth: { maxFailures: 100 } });
    for (let count = 0; count < 4; count += 1) expect(await status(fixture)).toBe(200);
    await leaving.stop();
    for (let count = 0; count < 4; count += 1) expect(await status(fixture)).toBe(200);
    expect(alive.seen).toHaveLength(6);
  });

  test('all refuse the connection: each request gets 502 after two attempts', async () => {
    const fixture = await startFixtureBefore([await closedPort(), await closedPort(), await closedPort()]);
    for (let count = 0; count < 6; count += 1) expect(await status(fixture)).toBe(502);
    const failures = fixture.gateway.upstreamHealth()[0]?.upstreams.map((upstream) => upstream.failures) ?? [];
    expect(failures.reduce((sum, count) => sum + count, 0)).toBe(12);
  });

  test('one that fails repeatedly is skipped for a while, and then used again', async () => {
    let isBroken = true;
    let asked = 0;
    const flapping = await startForTest(
      startUpstream((request, response) => {
        asked += 1;
        if (isBroken) request.socket.destroy();
        else response.end('ok');
      }),
    );
    const alive = await startForTest(startUpstream());
    const fixture = await startFixtureBefore([flapping.origin, alive.origin]);
    for (let count = 0; count < 10; count += 1) await status(fixture);
    expect(asked).toBe(2);
    expect(healthOf(fixture, flapping.origin)).toEqual({ origin: flapping.origin, isHealthy: false, failures: 2 });
    isBroken = false;
    fixture.clock.time += 1_000;
    for (let count = 0; count < 4; count += 1) expect(await status(fixture)).toBe(200);
    expect(asked).toBe(4);
    expect(healthOf(fixture, flapping.origin)).toEqual({ origin: flapping.origin, isHealthy: true, failures: 0 });
  });

  test('one that does not answer counts as failing; a client that disconnects, or is slow, does not count', async () => {
    const silent = await startForTest(startUpstream(() => {}));
    const fixture = await startFixtureBefore([], {
      upstreams: undefined,
      upstream: silent.origin,
      timeouts: { upstream: 1_000 },
      upstreamHealth: { maxFailures: 5 },
    });
    const leaving = await openConnection(fixture.port);
    leaving.socket.write(message(['GET /a HTTP/1.1', 'Host: g']));
    await until(() => silent.seen.length === 1);
    leaving.socket.destroy();
    await until(() => fixture.log.some(({ status: logged }) => logged === 499));
    expect(healthOf(fixture, silent.origin)).toMatchObject({ failures: 0 });
    expect(await status(fixture)).toBe(504);
    expect(healthOf(fixture, silent.origin)).toMatchObject({ failures: 1 });
    const slow = message(['POST /a HTTP/1.1', 'Host: g', 'Content-Length: 4', 'Connection: close'], 'bo');
    expect(statusOf(await send(fixture.port, slow))).toBe(408);
    expect(healthOf(fixture, silent.origin)).toMatchObject({ failures: 1 });
  });

  test('one that answers with a failure status: the response is passed on', async () => {
    const failing = await startForTest(startUpstream((_request, response) => response.writeHead(503).end('busy')));
    const alive = await startForTest(startUpstream());
    const fixture = await startFixtureBefore([failing.origin, alive.origin], {
      upstreamHealth: { maxFailures: 1, failureStatuses: [503] },
    });
    const statuses = [await status(fixture), await status(fixture), await status(fixture)];
    expect(statuses).toEqual([503, 200, 200]);
  });

  test('a failed WebSocket handshake counts, and is not tried with another', async () => {
    const alive = await startForTest(startUpstream());
    const dead = await closedPort();
    const fixture = await startFixtureBefore([dead, alive.origin]);
    const lines = ['GET /a HTTP/1.1', 'Host: g', 'Connection: Upgrade', 'Upgrade: websocket'];
    const answers = [await send(fixture.port, message(lines)), await send(fixture.port, message(lines))];
    expect(answers.map(statusOf)).toEqual([502, 200]);
    expect(healthOf(fixture, dead)).toMatchObject({ failures: 1 });
  });

  test('leave no connection open', async () => {
    const upstreams: TestUpstream[] = [await startForTest(startUpstream()), await startForTest(startUpstream())];
    const fixture = await startFixtureBefore([...upstreams.map(({ origin }) => origin), await closedPort()]);
    await Promise.all(Array.from({ length: 60 }, () => status(fixture)));
    await fixture.gateway.close();
    for (const upstream of upstreams) {
      await until(async () => (await upstream.connections()) === 0);
    }
  });
});

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { until } from '@tallystick/testing/until';
import type { ConfigInput } from 'tallystick';
import { WebSocket, WebSocketServer } from 'ws';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { type Collector, type ReceivedSpan, startCollector } from '../support/peers/collector.ts';
import { type RecordingApi, startRecordingApi } from '../support/peers/recording_api.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { startRole } from '../support/worlds/role_process.ts';
import { resourceOf } from '../support/worlds/world.ts';

const routeTo = (upstream: string, prefix: string) => ({
  ...{ prefix, upstream, api: resourceOf('phantom') },
  scopes: { '*': ['read'] },
});

const worlds = new Set<OneProcess>();
afterAll(() => Promise.all([...worlds].map((world) => world.stop())));

/** The demo with three more APIs: one answers, one is down, and one speaks WebSocket. */
async function startWorld(
  upstreams: { recording: string; sockets?: string },
  tracing?: NonNullable<ConfigInput['gateway']>['tracing'],
): Promise<OneProcess> {
  const world = await startOneProcess((config) => ({
    ...config,
    gateway: {
      ...config.gateway,
      ...(tracing && { tracing }),
      trustedProxies: ['127.0.0.0/8', '::1'],
      decisionEndpoints: [{ path: '/decision', for: 'nginx' }],
      routes: [
        ...config.gateway.routes,
        routeTo(upstreams.recording, '/recorded'),
        routeTo('http://127.0.0.1:1', '/gone'),
        ...(upstreams.sockets === undefined ? [] : [routeTo(upstreams.sockets, '/socket')]),
      ],
    },
  }));
  worlds.add(world);
  return world;
}

let collector: Collector;
let api: RecordingApi;
beforeAll(async () => {
  [collector, api] = await Promise.all([startCollector(), startRecordingApi()]);
});
afterAll(() => Promise.all([collector.stop(), api.stop()]));

/** A client's trace: the header, and its parts. */
function newTrace() {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
}

const partsOf = (traceparent: unknown) => {
  const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(String(traceparent)) ?? [];
  return { traceId, spanId };
};

/** The spans of a trace. Waits for the server span, which ends last. */
async function spansOf(traceId: string): Promise<ReceivedSpan[]> {
  const inTrace = () => collector.spans.filter((span) => span.traceId === traceId);
  await until(() => inTrace().some(({ kind }) => kind === 'server'));
  return inTrace();
}

const serverOf = (spans: readonly ReceivedSpan[]) => spans.find(({ kind }) => kind === 'server') as ReceivedSpan;
const callsOf = (spans: readonly ReceivedSpan[]) => spans.filter(({ kind }) => kind === 'client');

describe('a gateway that sends traces', () => {
  let world: OneProcess;
  let gateway: string;
  let sockets: ListeningServer;
  let socketHeaders: IncomingHttpHeaders | undefined;
  const secrets: string[] = [];

  beforeAll(async () => {
    const server = createServer();
    new WebSocketServer({ server }).on('connection', (socket, { headers }) => {
      socketHeaders = headers;
      socket.on('message', (data) => socket.send(data));
    });
    sockets = await listen(server);
    const { endpoint } = collector;
    world = await startWorld({ recording: api.origin, sockets: sockets.origin }, { endpoint, serviceName: 'front' });
    gateway = world.gateways[0];
  });
  afterAll(async () => {
    await world?.stop();
    await sockets?.stop();
  });

  async function newToken(): Promise<string> {
    const token = await serviceToken(world, 'phantom');
    secrets.push(token);
    return token;
  }

  function get(path: string, token: string, headers: Record<string, string> = {}) {
    return fetch(gateway + path, { headers: { Authorization: `Bearer ${token}`, ...headers } });
  }

  /** The `traceparent` of the last introspection request. */
  const lastAsked = () =>
    world.tallystick.requests.list({ endpoint: 'introspection', secrets: true }).at(-1)?.headers.traceparent;

  test(requirement('traces'), async () => {
    const token = await newToken();
    const client = newTrace();
    expect((await get('/recorded/a', token, client)).status).toBe(200);
    const spans = await spansOf(client.traceId);
    expect(spans).toHaveLength(3);
    const server = serverOf(spans);
    expect(server).toMatchObject({
      name: 'GET /recorded',
      parentSpanId: client.spanId,
      service: 'front',
      isError: false,
    });
    expect(server.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/recorded',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'tallystick.access_token.style': 'phantom',
      'tallystick.cache': 'miss',
      'tallystick.outcome': 'forwarded',
      'tallystick.token_key': expect.stringMatching(/^[\w-]{8}$/),
    });
    const [introspection, upstream] = callsOf(spans);
    expect(introspection).toMatchObject({
      name: 'POST /token/introspection',
      parentSpanId: server.spanId,
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'server.port': Number(new URL(world.issuer).port),
      },
    });
    expect(upstream).toMatchObject({
      name: 'GET',
      parentSpanId: server.spanId,
      attributes: { 'http.response.status_code': 200, 'server.address': '127.0.0.1', 'server.port': api.port },
    });
    expect(partsOf(lastAsked())).toEqual({ traceId: client.traceId, spanId: introspection?.spanId });
    expect(partsOf(api.requests.at(-1)?.headers.traceparent)).toEqual({
      traceId: client.traceId,
      spanId: upstream?.spanId,
    });
  });

  test(requirement('traces', 'a cache hit has no introspection span'), async () => {
    const token = await newToken();
    await get('/recorded', token);
    const client = newTrace();
    await get('/recorded', token, { ...client, tracestate: 'vendor=1' });
    const spans = await spansOf(client.traceId);
    expect(serverOf(spans).attributes['tallystick.cache']).toBe('hit');
    expect(callsOf(spans).map(({ name }) => name)).toEqual(['GET']);
    expect(api.requests.at(-1)?.headers.tracestate).toBe('vendor=1');
  });

  test(requirement('traces', 'a request that waits for the lookup of another is linked to it'), async () => {
    const token = await newToken();
    world.tallystick.faults.add({ endpoint: 'introspection', delay: 600_000, calls: 1 });
    const [first, second] = [newTrace(), newTrace()];
    const leading = get('/recorded', token, first);
    await until(() => world.tallystick.faults.list().length === 0);
    const joining = get('/recorded', token, second);
    // Spans that were sent before these responses have arrived by now.
    for (let calls = 0; calls < 10; calls += 1) await fetch(`${gateway}/healthz`);
    world.tallystick.faults.clear();
    expect([(await leading).status, (await joining).status]).toEqual([200, 200]);
    const [leader, joiner] = [await spansOf(first.traceId), await spansOf(second.traceId)];
    expect(callsOf(leader)).toHaveLength(2);
    expect(callsOf(joiner)).toHaveLength(1);
    expect(serverOf(joiner).attributes['tallystick.cache']).toBe('joined');
    expect(serverOf(joiner).links).toEqual([serverOf(leader).spanId]);
  });

  test(requirement('traces', 'failures'), async () => {
    const token = await newToken();
    const [gone, refused, down] = [newTrace(), newTrace(), newTrace()];
    expect((await get('/gone', token, gone)).status).toBe(502);
    const spans = await spansOf(gone.traceId);
    expect(serverOf(spans)).toMatchObject({ isError: true, attributes: { 'error.type': 'bad_gateway' } });
    expect(callsOf(spans).at(-1)).toMatchObject({ isError: true, attributes: { 'error.type': 'ECONNREFUSED' } });

    expect((await get('/recorded', 'x'.repeat(43), refused)).status).toBe(401);
    expect(serverOf(await spansOf(refused.traceId))).toMatchObject({
      isError: false,
      attributes: { 'http.response.status_code': 401, 'tallystick.outcome': 'invalid_token' },
    });

    world.tallystick.faults.add({ endpoint: 'introspection', status: 502, calls: 2 });
    expect((await get('/recorded', await newToken(), down)).status).toBe(503);
    const tried = callsOf(await spansOf(down.traceId));
    expect(tried.map(({ isError }) => isError)).toEqual([true, true]);
    expect(tried.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([undefined, 1]);
  });

  test(requirement('traces', 'an invalid trace context starts a new trace'), async () => {
    const token = await newToken();
    for (const traceparent of ['00-00000000000000000000000000000000-0000000000000001-01', 'garbage', '']) {
      const { length } = api.requests;
      await get('/recorded', token, { traceparent, tracestate: 'vendor=1' });
      const { headers } = api.requests[length] ?? {};
      const { traceId = '' } = partsOf(headers?.traceparent);
      expect(serverOf(await spansOf(traceId)).parentSpanId).toBeUndefined();
      expect(headers).not.toHaveProperty('tracestate');
    }
  });

  test(requirement('traces', 'the span of a WebSocket arrives while it is open'), async () => {
    const client = newTrace();
    const socket = new WebSocket(`${gateway}/socket`, {
      headers: { Authorization: `Bearer ${await newToken()}`, traceparent: client.traceparent },
    });
    await once(socket, 'open');
    const spans = await spansOf(client.traceId);
    expect(serverOf(spans)).toMatchObject({ name: 'GET /socket', attributes: { 'http.response.status_code': 101 } });
    const upstream = callsOf(spans).at(-1);
    expect(upstream?.attributes['http.response.status_code']).toBe(101);
    expect(partsOf(socketHeaders?.traceparent)).toEqual({ traceId: client.traceId, spanId: upstream?.spanId });
    socket.close();
    await once(socket, 'close');
  });

  test(
    requirement('traces', 'a decision for another gateway has the method and route of the original request'),
    async () => {
      const client = newTrace();
      const answer = await get('/decision', await newToken(), {
        ...{ traceparent: client.traceparent },
        'X-Original-Method': 'DELETE',
        'X-Original-URI': '/recorded/a',
      });
      expect(answer.status).toBe(200);
      const spans = await spansOf(client.traceId);
      expect(serverOf(spans)).toMatchObject({
        name: 'DELETE /recorded',
        attributes: { 'http.request.method': 'DELETE' },
      });
      expect(callsOf(spans).map(({ name }) => name)).toEqual(['POST /token/introspection']);
    },
  );

  test(requirement('traces', 'the log contains the trace ID'), async () => {
    const client = newTrace();
    await get('/recorded', await newToken(), client);
    const line = await until(() =>
      world.log
        .text()
        .split('\n')
        .find((text) => text.includes(`"trace_id":"${client.traceId}"`)),
    );
    expect(JSON.parse(String(line))).toMatchObject({ route: '/recorded', status: 200, msg: 'request served' });
  });

  test(requirement('traces-hold-no-secret'), async () => {
    const token = await newToken();
    const more = { query: randomBytes(20).toString('hex'), cookie: randomBytes(20).toString('hex') };
    const path = randomBytes(20).toString('hex');
    secrets.push(more.query, more.cookie, path, 'gateway-secret', btoa('gateway:gateway-secret'));
    const cookie = `a=1; session=${more.cookie}`;
    const states = [`vendor=${token}`, `vendor=x${more.cookie}x`];
    for (const tracestate of states) {
      const { length } = api.requests;
      const client = newTrace();
      const headers = { cookie, tracestate, traceparent: client.traceparent };
      expect((await get(`/recorded/${path}?secret=${more.query}`, token, headers)).status).toBe(200);
      const { traceparent, tracestate: passedOn } = api.requests[length]?.headers ?? {};
      expect(passedOn).toBeUndefined();
      expect(partsOf(traceparent).traceId).not.toBe(client.traceId);
      await spansOf(String(partsOf(traceparent).traceId));
    }
    const inTarget = newTrace();
    expect((await get(`/recorded/${token}`, token, inTarget)).status).toBe(400);
    await spansOf(inTarget.traceId);
    const exported = collector.text();
    expect(secrets.filter((secret) => exported.includes(secret))).toEqual([]);
    expect(exported).not.toMatch(/eyJ[\w-]+|bearer|basic /i);
  });
});

test(requirement('traces', 'a gateway that stops sends the remaining spans'), async () => {
  const { endpoint } = collector;
  const recording = api.origin;
  const both = [
    await startWorld({ recording }, { endpoint }),
    await startWorld({ recording }, { endpoint, serviceName: 'b' }),
  ];
  const client = newTrace();
  for (const { gateways } of both) await fetch(`${gateways[0]}/recorded`, { headers: { ...client } });
  await Promise.all(both.map((world) => world.stop()));
  const sent = collector.spans.filter(({ traceId }) => traceId === client.traceId);
  expect(sent.map(({ service }) => service).sort()).toEqual(['b', 'tallystick-gateway']);
});

test(requirement('traces', 'a process sends the remaining spans on SIGTERM'), async () => {
  const environment = { TALLYSTICK_GATEWAY_PORT: '0', TALLYSTICK_GATEWAY_TRACING_ENDPOINT: collector.endpoint };
  const gateway = await startRole('gateway', environment, () => {});
  const client = newTrace();
  await fetch(`${gateway.url}/phantom`, { headers: { ...client } });
  expect(await gateway.stop()).toBe(0);
  const [span] = collector.spans.filter(({ traceId }) => traceId === client.traceId);
  expect(span).toMatchObject({ name: 'GET /phantom', attributes: { 'http.response.status_code': 401 } });
});

test(requirement('traces', 'the sample ratio limits the exported traces'), async () => {
  const world = await startWorld({ recording: api.origin }, { endpoint: collector.endpoint, sampleRatio: 0 });
  const token = await serviceToken(world, 'phantom');
  const headers = { Authorization: `Bearer ${token}` };
  const { length } = api.requests;
  const known = collector.spans.length;
  await fetch(`${world.gateways[0]}/recorded`, { headers });
  expect(api.requests[length]?.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  await world.stop();
  expect(collector.spans.length).toBe(known);
});

test(requirement('traces-do-no-harm', 'the collector is down and comes back'), async () => {
  const port = await freePort();
  const world = await startWorld({ recording: api.origin }, { endpoint: `http://127.0.0.1:${port}/v1/traces` });
  try {
    const token = await serviceToken(world, 'phantom');
    const callOnce = async () =>
      (await fetch(`${world.gateways[0]}/recorded`, { headers: { Authorization: `Bearer ${token}` } })).status;
    const lines = (about: string) => world.log.text().split(about).length - 1;
    await until(async () => (await callOnce()) === 200 && lines('trace export failed') > 0);
    for (let calls = 0; calls < 20; calls += 1) expect(await callOnce()).toBe(200);
    expect(world.log.text()).toContain('"cause":"ECONNREFUSED"');
    const back = await startCollector(port);
    await until(async () => (await callOnce()) === 200 && back.spans.length > 0);
    await until(() => lines('trace export works again') > 0);
    expect([lines('trace export failed'), lines('trace export works again')]).toEqual([1, 1]);
    await back.stop();
  } finally {
    await world.stop();
  }
});

test(requirement('traces-do-no-harm', 'the collector refuses spans'), async () => {
  const refusing = await startCollector();
  refusing.status = 400;
  const world = await startWorld({ recording: api.origin }, { endpoint: refusing.endpoint });
  const token = await serviceToken(world, 'phantom');
  await until(async () => {
    expect((await call(world.gateways[0], 'phantom', token)).status).toBe(200);
    return refusing.refusals > 2;
  });
  expect(world.log.text().split('trace export failed')).toHaveLength(2);
  expect(world.log.text()).toContain('"cause":400');
  await world.stop();
  await refusing.stop();
});

test(requirement('traces-do-no-harm', 'without tracing, the trace context reaches the API unchanged'), async () => {
  const world = await startWorld({ recording: api.origin });
  const token = await serviceToken(world, 'phantom');
  const context = { traceparent: newTrace().traceparent, tracestate: 'vendor=1' };
  await fetch(`${world.gateways[0]}/recorded`, { headers: { Authorization: `Bearer ${token}`, ...context } });
  expect(api.requests.at(-1)?.headers).toMatchObject(context);
  const [asked] = world.tallystick.requests.list({ endpoint: 'introspection', secrets: true });
  expect(asked?.headers).not.toHaveProperty('traceparent');
  expect((await call(world.gateways[0], 'phantom', token)).status).toBe(200);
  expect(world.log.text()).not.toContain('trace_id');
  await world.stop();
});

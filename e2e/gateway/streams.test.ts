import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { WebSocket } from 'ws';
import { requirement } from '../requirements/index.ts';
import { serviceToken } from '../support/clients/clients.ts';
import { type StreamingApi, startStreamingApi } from '../support/peers/streaming_api.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { measured } from '../support/worlds/measured.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Bytes of a body that a gateway may hold while it waits for a peer: the buffers of two connections, and a margin. */
const BUFFERS = 16 * MIB;
/** Factor by which the timers of the second gateway run faster: ten minutes take eight seconds. */
const TIMER_FACTOR = 75;
const TEN_MINUTES = 10 * 60 * 1000;

const { environment, measure } = measured();
let world: ManyProcesses;
let hasty: string;
let api: StreamingApi;
let token: string;

beforeAll(async () => {
  api = await startStreamingApi(GIB);
  world = await startManyProcesses({
    gatewayCount: 1,
    gatewayEnvironment: { ...environment, TALLYSTICK_SAMPLE_API_URL: api.url },
  });
  const fastTimers = new URL('../support/worlds/fast_timers.mjs', import.meta.url).href;
  hasty = await world.startGateway({ NODE_OPTIONS: `--import ${fastTimers}`, TIMER_FACTOR: String(TIMER_FACTOR) });
  token = await serviceToken(world, 'jwt', 'read write');
});
afterAll(async () => {
  await world.stop();
  await api.stop();
});

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

function ask(path: string, { method = 'GET', headers = {} }: Asked = {}): ClientRequest {
  return request(`${world.gateways[0]}/jwt/${path}`, {
    method,
    agent: false,
    headers: { Authorization: `Bearer ${token}`, ...headers },
  });
}

async function answerTo(asking: ClientRequest): Promise<IncomingMessage> {
  asking.end();
  const [response] = await once(asking, 'response');
  return response as IncomingMessage;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Resolves when a count no longer changes, because the sender has to wait. */
async function heldUp(count: () => number): Promise<void> {
  let before = -1;
  await until(async () => {
    const [last, now] = [before, count()];
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return now > 0 && now === last;
  });
}

describe('A gigabyte', () => {
  test(requirement('streams-in-constant-memory', 'download'), async () => {
    const before = await measure();
    const response = await answerTo(ask('download'));
    // The client does not read, so the API has to wait: the gateway does not buffer the body.
    response.pause();
    await heldUp(() => api.sent);
    expect(api.sent).toBeLessThan(BUFFERS * 2);

    let [received, highest] = [0, 0];
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const measured = Math.floor(received / (128 * MIB));
      received += chunk.length;
      if (Math.floor(received / (128 * MIB)) > measured) highest = Math.max(highest, (await measure()).rss);
    }
    expect(received).toBe(GIB);
    console.log(`download: resident ${inMiB(before.rss)} MiB before, ${inMiB(highest)} MiB at most`);
    expect(highest - before.rss).toBeLessThan(128 * MIB);
  });

  test(requirement('streams-in-constant-memory', 'upload'), async () => {
    const before = await measure();
    api.reads = false;
    const asking = ask('upload', { method: 'POST', headers: { 'Content-Length': String(GIB) } });
    const answered = once(asking, 'response');
    const block = Buffer.alloc(MIB, 'x');
    let [sent, highest] = [0, 0];
    const sending = (async () => {
      while (sent < GIB) {
        if (!asking.write(block)) await once(asking, 'drain');
        sent += block.length;
        if (sent % (128 * MIB) === 0) highest = Math.max(highest, (await measure()).rss);
      }
      asking.end();
    })();
    await heldUp(() => sent);
    expect(sent).toBeLessThan(BUFFERS * 2);
    api.reads = true;

    await sending;
    const [response] = (await answered) as [IncomingMessage];
    expect(await textOf(response)).toBe(String(GIB));
    console.log(`upload: resident ${inMiB(before.rss)} MiB before, ${inMiB(highest)} MiB at most`);
    expect(highest - before.rss).toBeLessThan(128 * MIB);
  });
});

const inMiB = (bytes: number) => (bytes / MIB).toFixed(0);

describe('Ten minutes of silence', () => {
  const silence = () => new Promise((resolve) => setTimeout(resolve, TEN_MINUTES / TIMER_FACTOR));
  test(requirement('streams-outlast-silence', 'the timers of this test are fast'), async () => {
    const response = await fetch(`${hasty}/jwt/silence`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(504);
  });

  test(requirement('streams-outlast-silence', 'an event stream and a WebSocket'), async () => {
    const asking = request(`${hasty}/jwt/events`, {
      agent: false,
      headers: { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' },
    });
    const stream = await answerTo(asking);
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
    });
    const socket = new WebSocket(`${hasty}/jwt/socket`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const echoes: string[] = [];
    socket.on('message', (data) => echoes.push(String(data)));
    await once(socket, 'open');
    const [events] = api.events;

    for (let round = 0; round < 2; round++) {
      events?.write(`data: ${round}\n\n`);
      socket.send(String(round));
      await until(() => text.endsWith(`data: ${round}\n\n`) && echoes.at(-1) === String(round));
      if (round === 0) await silence();
    }
    expect(text).toBe('data: 0\n\ndata: 1\n\n');
    expect(echoes).toEqual(['0', '1']);
    asking.destroy();
    socket.terminate();
    await until(() => api.events.size === 0);
  });
});

describe(requirement('answers-of-every-kind'), () => {
  test('HEAD', async () => {
    const response = await answerTo(ask('head', { method: 'HEAD' }));
    expect([response.statusCode, response.headers['content-length'], response.headers.etag]).toEqual([
      200,
      '1234',
      '"1"',
    ]);
    expect(await textOf(response)).toBe('');
  });

  test('204, which has no length and no body', async () => {
    const response = await answerTo(ask('nothing'));
    expect(response.statusCode).toBe(204);
    expect(response.headers).not.toHaveProperty('content-length');
    expect(response.headers).not.toHaveProperty('transfer-encoding');
    expect(await textOf(response)).toBe('');
  });

  test('304', async () => {
    const response = await answerTo(ask('unchanged', { headers: { 'If-None-Match': '"1"' } }));
    expect([response.statusCode, response.headers.etag]).toEqual([304, '"1"']);
    expect(await textOf(response)).toBe('');
  });

  test('102 and 103 before the answer', async () => {
    const asking = ask('hints');
    const interim: unknown[] = [];
    asking.on('information', ({ statusCode, headers }) => interim.push([statusCode, headers.link]));
    expect(await textOf(await answerTo(asking))).toBe('hinted');
    expect(interim).toEqual([
      [102, undefined],
      [103, '</style.css>; rel=preload; as=style'],
    ]);
  });

  test('100 for a body that waits to be asked for', async () => {
    const asking = ask('upload', { method: 'POST', headers: { Expect: '100-continue', 'Content-Length': '4' } });
    asking.flushHeaders();
    await once(asking, 'continue');
    api.received = 0;
    asking.write('body');
    expect(await textOf(await answerTo(asking))).toBe('4');
  });

  test('trailers, which are dropped on purpose', async () => {
    const response = await answerTo(ask('trailers'));
    expect(await textOf(response)).toBe('body');
    expect(response.headers).not.toHaveProperty('trailer');
    expect(response.trailers).toEqual({});
  });

  test('a WebSocket that echoes text and bytes', async () => {
    const socket = new WebSocket(`${world.gateways[0]}/jwt/socket`, { headers: { Authorization: `Bearer ${token}` } });
    await once(socket, 'open');
    const bytes = Buffer.alloc(MIB, 'b');
    for (const sent of [Buffer.from('text'), bytes]) {
      socket.send(sent);
      const [echo] = await once(socket, 'message');
      expect(Buffer.compare(echo as Buffer, sent)).toBe(0);
    }
    socket.close(1000, 'enough');
    const [code, reason] = await once(socket, 'close');
    expect([code, String(reason)]).toEqual([1000, 'enough']);
  });
});

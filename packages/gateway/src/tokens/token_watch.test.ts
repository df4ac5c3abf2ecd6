import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { message, openConnection } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { WebSocket, WebSocketServer } from 'ws';
import type { GatewayInput } from '../testing/gateway_config.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { startRawUpstream } from '../testing/servers.ts';

const STYLES = ['jwt', 'opaque', 'phantom', 'split'] as const;
type Style = (typeof STYLES)[number];
/** Styles whose tokens can be revoked. */
const REFERENCES = ['opaque', 'phantom', 'split'] as const;

/** Milliseconds between two checks for expired tokens, and until a failed lookup is repeated. This file makes both a hundred times shorter. */
const PAUSES: readonly unknown[] = [1_000, 2_000];

beforeAll(() => {
  for (const name of ['setInterval', 'setTimeout'] as const) {
    const set = globalThis[name] as (...args: unknown[]) => NodeJS.Timeout;
    jest
      .spyOn(globalThis, name)
      .mockImplementation(((callback: unknown, milliseconds: unknown, ...rest: unknown[]) =>
        set(callback, PAUSES.includes(milliseconds) ? Number(milliseconds) / 100 : milliseconds, ...rest)) as never);
  }
});
afterAll(() => {
  jest.restoreAllMocks();
});

interface Setup {
  readonly fixture: GatewayFixture;
  /** Close codes that the API received, in order. */
  readonly codesAtApi: number[];
  /** Number of WebSocket handshakes at the API. */
  handshakes: number;
  /** The API waits for it before it agrees. */
  handshake: Promise<void> | undefined;
}

/** A gateway in front of an API that echoes. */
async function startEchoingApi(change: (config: GatewayInput) => Partial<GatewayInput> = () => ({})): Promise<Setup> {
  const codesAtApi: number[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer((_request, response) => response.end('ok')).on(
    'upgrade',
    async (request, socket, head) => {
      setup.handshakes += 1;
      await setup.handshake;
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('message', (data) => webSocket.send(data));
        webSocket.on('close', (code) => codesAtApi.push(code));
      });
    },
  );
  const upstream = await listen(server);
  onTestFinished(upstream.stop);
  const fixture = await startGatewayFixture((config) => ({
    routes: STYLES.map((style) => route(style, upstream.origin)),
    ...change(config),
  }));
  onTestFinished(() => fixture.stop());
  const setup: Setup = { fixture, codesAtApi, handshakes: 0, handshake: undefined };
  return setup;
}

/** Issues a token of the style that is valid for ten minutes. */
async function issue(fixture: GatewayFixture, style: Style, claims: object = {}): Promise<string> {
  if (style === 'split') return fixture.issueSplit(api(style), claims);
  if (style === 'jwt') return fixture.authorizationServer.issue({ aud: api(style), ...claims });
  return fixture.issueReference(api(style), claims);
}

/** Revokes a token without an event on the feed. */
function forget({ store, authorizationServer }: GatewayFixture, token: string): void {
  store.entries.delete(token);
  authorizationServer.active.delete(token);
}

interface Client {
  readonly webSocket: WebSocket;
  /** Sends a message and waits for its echo. */
  echoes(): Promise<void>;
  /** Close code and reason. */
  readonly closed: Promise<[number, string]>;
}

function connect(fixture: GatewayFixture, style: Style, token: string): Client {
  const headers = { Authorization: `Bearer ${token}` };
  const webSocket = new WebSocket(`ws://127.0.0.1:${fixture.port}/${style}`, { headers });
  onTestFinished(() => webSocket.terminate());
  return {
    webSocket,
    closed: new Promise((resolve) => webSocket.once('close', (code, reason) => resolve([code, reason.toString()]))),
    async echoes() {
      const echo = once(webSocket, 'message');
      webSocket.send('echo');
      expect(String((await echo)[0])).toBe('echo');
    },
  };
}

async function open(fixture: GatewayFixture, style: Style, token: string): Promise<Client> {
  const client = connect(fixture, style, token);
  await once(client.webSocket, 'open');
  return client;
}

const TEN_MINUTES = 10 * 60 * 1000;

describe('The gateway closes a WebSocket', () => {
  test.each(STYLES)('on both sides when its token expires: %s', async (style) => {
    const { fixture, codesAtApi } = await startEchoingApi();
    const [client, other] = [
      await open(fixture, style, await issue(fixture, style)),
      await open(fixture, style, await issue(fixture, style, { exp: Math.floor(fixture.clock.time / 1000) + 1200 })),
    ];
    if (style === 'opaque') await until(() => fixture.authorizationServer.introspections.length >= 2);
    await client.echoes();
    fixture.clock.time += TEN_MINUTES;
    expect(await client.closed).toEqual([4401, 'access token expired']);
    await until(() => codesAtApi.length > 0);
    expect(codesAtApi).toEqual([4401]);
    await other.echoes();
  });

  test.each(REFERENCES)('when its token is revoked, and leaves other WebSockets open: %s', async (style) => {
    const { fixture, codesAtApi } = await startEchoingApi();
    const [token, otherToken] = [await issue(fixture, style), await issue(fixture, style)];
    const clients = [await open(fixture, style, token), await open(fixture, style, token)];
    const other = await open(fixture, style, otherToken);
    fixture.store.revoke(token);
    for (const client of clients) expect(await client.closed).toEqual([4401, 'access token revoked']);
    await until(() => codesAtApi.length === 2);
    await other.echoes();
    expect(fixture.log.filter(({ message }) => message.includes('its access token has ended'))).toHaveLength(2);
    expect(JSON.stringify(fixture.log)).not.toContain(token);
  });

  test.each(REFERENCES)('when its token is revoked before the API has answered the handshake: %s', async (style) => {
    const setup = await startEchoingApi();
    const { fixture } = setup;
    let agree = () => {};
    setup.handshake = new Promise((resolve) => {
      agree = resolve;
    });
    const token = await issue(fixture, style);
    const client = connect(fixture, style, token);
    await until(() => setup.handshakes === 1);
    forget(fixture, token);
    fixture.store.revoke(token);
    agree();
    expect(await client.closed).toEqual([4401, 'access token revoked']);
  });

  test('with the configured close code', async () => {
    const { fixture } = await startEchoingApi(() => ({ webSockets: { tokenCloseCode: 1008 } }));
    const token = await issue(fixture, 'split');
    const client = await open(fixture, 'split', token);
    fixture.store.revoke(token);
    expect(await client.closed).toEqual([1008, 'access token revoked']);
  });

  test('not at all with closeWithToken: false', async () => {
    const { fixture } = await startEchoingApi(() => ({ webSockets: { closeWithToken: false } }));
    const token = await issue(fixture, 'split');
    const client = await open(fixture, 'split', token);
    fixture.store.revoke(token);
    await client.echoes();
  });
});

describe('While the feed is down', () => {
  test.each(REFERENCES)(
    'a WebSocket stays open, and a missed revocation is found when the feed is back: %s',
    async (style) => {
      const { fixture } = await startEchoingApi();
      const [good, revoked] = [await issue(fixture, style), await issue(fixture, style)];
      const [stays, goes] = [await open(fixture, style, good), await open(fixture, style, revoked)];
      if (style === 'opaque') await until(() => fixture.authorizationServer.introspections.length === 2);
      await stays.echoes();
      fixture.store.disconnect();
      forget(fixture, revoked);
      await goes.echoes();
      fixture.store.connect();
      expect(await goes.closed).toEqual([4401, 'access token revoked']);
      await stays.echoes();
    },
  );

  test.each(['phantom', 'split'] as const)(
    'a WebSocket can be opened, and its token is looked up again when the feed is back: %s',
    async (style) => {
      const { fixture } = await startEchoingApi();
      fixture.store.disconnect();
      const token = await issue(fixture, style);
      const client = await open(fixture, style, token);
      forget(fixture, token);
      await client.echoes();
      fixture.store.connect();
      expect(await client.closed).toEqual([4401, 'access token revoked']);
    },
  );

  test.each(STYLES)('a WebSocket is still closed when its token expires: %s', async (style) => {
    const { fixture } = await startEchoingApi();
    const client = await open(fixture, style, await issue(fixture, style));
    if (style === 'opaque') await until(() => fixture.authorizationServer.introspections.length === 1);
    await client.echoes();
    fixture.store.disconnect();
    fixture.clock.time += TEN_MINUTES;
    expect(await client.closed).toEqual([4401, 'access token expired']);
  });
});

test('a WebSocket stays open when the lookup of its token fails, and the lookup is repeated', async () => {
  const { fixture } = await startEchoingApi();
  const [good, revoked] = [await issue(fixture, 'split'), await issue(fixture, 'split')];
  const [stays, goes] = [await open(fixture, 'split', good), await open(fixture, 'split', revoked)];
  fixture.store.disconnect();
  forget(fixture, revoked);
  fixture.store.unavailable = true;
  const before = fixture.store.lookups;
  fixture.store.connect();
  await until(() => fixture.store.lookups >= before + 2);
  await stays.echoes();
  await goes.echoes();
  fixture.store.unavailable = false;
  expect(await goes.closed).toEqual([4401, 'access token revoked']);
  await stays.echoes();
});

test('when the feed is back, each token is looked up once, and at most 32 at the same time', async () => {
  const { fixture } = await startEchoingApi();
  const tokens = await Promise.all(Array.from({ length: 100 }, () => issue(fixture, 'phantom')));
  const clients = await Promise.all(tokens.map((token) => open(fixture, 'phantom', token)));
  fixture.store.disconnect();
  let [atOnce, highest] = [0, 0];
  const answers: (() => void)[] = [];
  fixture.authorizationServer.onIntrospection = (response) => {
    atOnce += 1;
    highest = Math.max(highest, atOnce);
    answers.push(() => {
      atOnce -= 1;
      response.writeHead(204).end();
    });
  };
  const before = fixture.authorizationServer.introspections.length;
  fixture.store.connect();
  const closed = Promise.all(clients.map((client) => client.closed));
  let isDone = false;
  void closed.then(() => {
    isDone = true;
  });
  await until(() => {
    for (const answer of answers.splice(0)) answer();
    return isDone;
  });
  expect(new Set((await closed).map(([code]) => code))).toEqual(new Set([4401]));
  expect(fixture.authorizationServer.introspections.length - before).toBe(100);
  expect(highest).toBeLessThanOrEqual(32);
});

test('a WebSocket with an opaque token stays open when the authorization server does not tell the gateway about the token', async () => {
  const { fixture } = await startEchoingApi();
  const token = 'A'.repeat(43);
  const client = await open(fixture, 'opaque', token);
  await until(() => fixture.authorizationServer.introspections.length === 1);
  fixture.store.disconnect();
  fixture.store.connect();
  await until(() => fixture.authorizationServer.introspections.length === 2);
  await client.echoes();
  fixture.store.revoke(token);
  expect(await client.closed).toEqual([4401, 'access token revoked']);
});

test('once the token is revoked, the API gets no more data from the client, not even the rest of a frame', async () => {
  let apiSocket: Socket | undefined;
  const received: Buffer[] = [];
  const upstream = await startRawUpstream((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.on('data', (chunk) => received.push(chunk));
      apiSocket = socket;
    });
  });
  onTestFinished(upstream.stop);
  const fixture = await startGatewayFixture(() => ({ routes: [route('split', upstream.origin)] }));
  onTestFinished(() => fixture.stop());
  const token = await fixture.issueSplit(api('split'));
  const client = await openConnection(fixture.port);
  client.socket.write(
    message([
      'GET /split HTTP/1.1',
      'Host: g',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Authorization: Bearer ${token}`,
    ]),
  );
  await client.until(/101 Switching/);
  const frame = Buffer.concat([Buffer.of(0x82, 0x80 | 6, 0, 0, 0, 0), Buffer.from('abcdef')]);
  client.socket.write(frame.subarray(0, 8));
  await until(() => Buffer.concat(received).length === 8);
  fixture.store.revoke(token);
  await client.until(/access token revoked$/);
  client.socket.write(frame.subarray(8));
  client.socket.end();
  await until(() => apiSocket?.destroyed === true);
  expect(Buffer.concat(received)).toEqual(frame.subarray(0, 8));
});

describe('A WebSocket whose JWT the gateway made, with a shorter lifetime than the token,', () => {
  /** The authorization server gives this answer about every token. */
  async function startTranslating(answer: { active?: boolean; exp?: number; status?: number }) {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const { fixture } = await startEchoingApi(() => ({
      introspection: { accept: 'application/json', maxAge: 30, circuitBreaker: { failures: 1000, pause: 1 } },
      ownJwts: {
        issuer: 'https://gateway.example.com',
        signingKey: JSON.stringify({ ...jwk, kid: 'own', alg: 'ES256' }),
      },
    }));
    fixture.authorizationServer.onIntrospection = (response) => {
      const { status = 200, ...members } = answer;
      const defaults = { aud: api('phantom'), client_id: 'client', scope: 'read', token_type: 'Bearer' };
      response
        .writeHead(status, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ ...defaults, ...members }));
    };
    return fixture;
  }

  const FIVE_MINUTES = 5 * 60 * 1000;

  /** Moves the clock and waits for the next lookup of the token. */
  async function lookedUpAfter(fixture: GatewayFixture, milliseconds: number): Promise<void> {
    const { introspections } = fixture.authorizationServer;
    const before = introspections.length;
    fixture.clock.time += milliseconds;
    await until(() => introspections.length > before);
    await fixture.call('/phantom', 'A'.repeat(43)); // Comes after that lookup, or joins it.
  }

  test('stays open as long as the token is active', async () => {
    const answer = { active: true };
    const fixture = await startTranslating(answer);
    const client = await open(fixture, 'phantom', 'A'.repeat(43));
    for (let round = 0; round < 2; round++) {
      await lookedUpAfter(fixture, FIVE_MINUTES);
      await client.echoes();
    }
    answer.active = false;
    fixture.clock.time += FIVE_MINUTES;
    expect(await client.closed).toEqual([4401, 'access token expired']);
  });

  test('stays open for a limited time while lookups fail', async () => {
    const answer: { active: boolean; status?: number } = { active: true };
    const fixture = await startTranslating(answer);
    const client = await open(fixture, 'phantom', 'A'.repeat(43));
    answer.status = 500;
    for (const milliseconds of [FIVE_MINUTES, 0, 0]) {
      await lookedUpAfter(fixture, milliseconds);
      await client.echoes();
    }
    fixture.clock.time += FIVE_MINUTES;
    expect(await client.closed).toEqual([4401, 'access token expired']);
  });
});

test('WebSockets of a replaced gateway are closed with their tokens, too', async () => {
  const { fixture } = await startEchoingApi();
  const [revoked, expired] = [await issue(fixture, 'split'), await issue(fixture, 'phantom')];
  const [first, second] = [await open(fixture, 'split', revoked), await open(fixture, 'phantom', expired)];
  const retired = fixture.gateway.retire();
  await until(() => fixture.store.listeners.size === 1);
  fixture.store.revoke(revoked);
  expect(await first.closed).toEqual([4401, 'access token revoked']);
  await second.echoes();
  fixture.clock.time += TEN_MINUTES;
  expect(await second.closed).toEqual([4401, 'access token expired']);
  await retired;
  expect(fixture.store.listeners.size).toBe(0);
});

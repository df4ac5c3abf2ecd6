import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultDPoPAlgorithms } from '@tallystick/resource-server';
import { bodyOf, message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { createGateway } from './gateway.ts';
import { issuer } from './testing/authorization_server.ts';
import { type GatewayInput, gatewayConfigOf } from './testing/gateway_config.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from './testing/gateway_fixture.ts';
import { createTestStore } from './testing/memory_store.ts';

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture();
});
afterEach(() => fixture.stop());

const upgrade = (path: string, ...headers: string[]) =>
  message([
    `GET ${path} HTTP/1.1`,
    'Host: g',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  ]);

describe('The metadata of every API (RFC 9728)', () => {
  test.each(['jwt', 'opaque', 'phantom', 'split'])('is served for %s', async (name) => {
    const response = await fixture.call(`/.well-known/oauth-protected-resource/${name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      resource: api(name),
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['read', 'write'],
      dpop_signing_alg_values_supported: defaultDPoPAlgorithms,
    });
  });

  test('is at the URL of the challenge, under publicUrl if it is configured', async () => {
    const challenged = await fixture.call('/split');
    const url = /resource_metadata="([^"]+)"/.exec(challenged.headers.get('www-authenticate') ?? '')?.[1] ?? '';
    expect(await (await fetch(url)).json()).toMatchObject({ resource: api('split') });

    const other = await startGatewayFixture(() => ({ publicUrl: 'https://gateway.example.com' }));
    const challenge = (await other.call('/split')).headers.get('www-authenticate');
    await other.stop();
    const metadata = 'resource_metadata="https://gateway.example.com/.well-known/oauth-protected-resource/split"';
    expect(challenge).toBe(`Bearer ${metadata}, DPoP algs="${defaultDPoPAlgorithms.join(' ')}", ${metadata}`);
  });

  test('is under the origin that a trusted proxy reports, and nobody else', async () => {
    const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'gateway.example.com' };
    const believing = await startGatewayFixture(() => ({ trustedProxies: ['127.0.0.0/8'] }));
    const believed = (await believing.call('/split', undefined, { headers })).headers.get('www-authenticate');
    await believing.stop();
    expect(believed).toContain('resource_metadata="https://gateway.example.com/.well-known/');
    const doubted = (await fixture.call('/split', undefined, { headers })).headers.get('www-authenticate');
    expect(doubted).toContain(`resource_metadata="${fixture.origin}/.well-known/`);
  });

  test.each(['urn:example:orders', 'api://orders'])(
    'does not exist for %s, whose calls are served',
    async (resource) => {
      const named = await startGatewayFixture(({ routes }) => ({
        apis: [{ resource, accessTokens: 'jwt' }],
        routes: routes.map((other) => (other.prefix === '/jwt' ? { ...other, api: resource } : other)),
      }));
      try {
        const challenged = await named.call('/jwt');
        expect([challenged.status, challenged.headers.get('www-authenticate')]).toEqual([
          401,
          `Bearer, DPoP algs="${defaultDPoPAlgorithms.join(' ')}"`,
        ]);
        const token = await named.authorizationServer.issue({ aud: resource });
        expect((await named.call('/jwt', token)).status).toBe(200);
        expect((await named.call('/.well-known/oauth-protected-resource/split')).status).toBe(200);
      } finally {
        await named.stop();
      }
    },
  );

  test('is not linked under a malformed Host', async () => {
    const answer = await send(fixture.port, message(['GET /split HTTP/1.1', 'Host: a"b/c', 'Connection: close']));
    expect(statusOf(answer)).toBe(400);
    expect(answer).not.toContain('a"b');
  });
});

describe('The state of the gateway', () => {
  test('/healthz says that it is running', async () => {
    fixture.store.unavailable = true;
    expect((await fixture.call('/healthz')).status).toBe(200);
    expect((await fixture.call('/healthz', undefined, { method: 'POST' })).status).toBe(405);
  });

  test('/readyz says what is not ready', async () => {
    expect((await fixture.call('/readyz')).status).toBe(200);
    fixture.store.unavailable = true;
    const response = await fixture.call('/readyz');
    expect(response.status).toBe(503);
    const reasons = { 'token-store': 'down' };
    expect(await response.json()).toEqual({ status: 'not ready', unready: ['token-store'], reasons });
  });

  test('/readyz reports warnings of the store, and is ready', async () => {
    fixture.store.warned = ['it may drop live entries'];
    const response = await fixture.call('/readyz');
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'ready', warnings: ['it may drop live entries'] },
    ]);
  });

  test('/readyz waits for the keys of the authorization server, once', async () => {
    const other = await startGatewayFixture(undefined, (server) => {
      server.onJwks = (response) => response.writeHead(500).end();
    });
    const early = await other.call('/readyz');
    other.authorizationServer.onJwks = undefined;
    const ready = await other.call('/readyz');
    await other.authorizationServer.stop();
    const later = await other.call('/readyz');
    expect(await early.json()).toMatchObject({ unready: ['authorization-server'] });
    expect([early.status, ready.status, later.status]).toEqual([503, 200, 200]);
    await other.stop();
  });
});

describe('The log', () => {
  test('has one line for every request, with the decision and without the query', async () => {
    const signature = await fixture.issueSplit(api('split'));
    await (await fixture.call('/split/a?secret=1', signature)).text();
    await (await fixture.call('/split/b', signature, { method: 'POST' })).text();
    await (await fixture.call('/nowhere')).text();
    const lines = () => fixture.log.filter(({ message: text }) => text.startsWith('request '));
    await until(() => lines().length === 3);
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 'debug',
        message: 'request served',
        method: 'GET',
        path: '/split/a',
        status: 200,
        route: '/split',
        style: 'split',
        cache: 'miss',
        tokenKey: expect.stringMatching(/^[\w-]{8}$/),
      }),
      expect.objectContaining({ level: 'info', status: 403, cache: 'hit', error: 'insufficient_scope' }),
      expect.objectContaining({ level: 'info', status: 404, cache: 'none', error: 'not_found' }),
    ]);
  });

  test('contains no token', async () => {
    const jwt = await fixture.authorizationServer.issue({ aud: api('jwt'), exp: 1 });
    const tokens = [await fixture.issueReference(api('phantom')), await fixture.issueSplit(api('split')), jwt];
    for (const path of ['/phantom', '/split', '/jwt', '/opaque', '/nowhere']) {
      for (const token of tokens) {
        await fixture.call(path, token);
        await fixture.call(`${path}?access_token=${token}`);
      }
    }
    const signatures = tokens.map((token) => token.split('.').at(-1) ?? '');
    for (const secret of [...tokens, ...signatures]) expect(JSON.stringify(fixture.log)).not.toContain(secret);
  });
});

describe('A request to upgrade', () => {
  test('without a valid token is refused on the socket, with the same challenge, and the connection is closed', async () => {
    for (const headers of [[], [`Authorization: Bearer ${'x'.repeat(43)}`]]) {
      const answer = await send(fixture.port, upgrade('/phantom', ...headers));
      expect(statusOf(answer)).toBe(401);
      expect(answer).toMatch(/^www-authenticate: Bearer .*resource_metadata="http:\/\/g\/.well-known/im);
      expect(answer).toMatch(/^connection: close\r$/im);
      expect(JSON.parse(bodyOf(answer))).toMatchObject({
        error: headers.length === 0 ? 'unauthorized' : 'invalid_token',
      });
    }
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('to anything but WebSocket, or with HTTP/1.0, is refused', async () => {
    const authorization = `Authorization: Bearer ${await fixture.issueReference(api('phantom'))}`;
    for (const [version, protocol] of [
      ['1.1', 'h2c'],
      ['1.0', 'websocket'],
    ]) {
      const lines = [
        `GET /phantom HTTP/${version}`,
        'Host: g',
        'Connection: Upgrade',
        `Upgrade: ${protocol}`,
        authorization,
      ];
      expect([version, protocol, statusOf(await send(fixture.port, message(lines)))]).toEqual([version, protocol, 400]);
    }
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('survives a client that resets the connection while its token is looked up', async () => {
    fixture.authorizationServer.onIntrospection = () => {};
    const client = await openConnection(fixture.port);
    client.socket.write(upgrade('/phantom', `Authorization: Bearer ${'x'.repeat(43)}`));
    await until(() => fixture.authorizationServer.introspections.length === 1);
    client.socket.resetAndDestroy();
    await client.closed();
    expect((await fixture.call('/healthz')).status).toBe(200);
  });
});

describe('close', () => {
  test('waits for requests in progress, and closes their connections', async () => {
    fixture.store.delay = new Promise((resolve) => {
      release = resolve;
    });
    const signature = await fixture.issueSplit(api('split'));
    const client = await openConnection(fixture.port);
    client.socket.write(message(['GET /split HTTP/1.1', 'Host: g', `Authorization: Bearer ${signature}`]));
    await until(() => fixture.store.lookups === 1);
    let isClosed = false;
    const closing = fixture.gateway.close().then(() => {
      isClosed = true;
    });
    expect(isClosed).toBe(false);
    release();
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 OK.*connection: close/is);
    await closing;
    expect(fixture.store.listeners.size).toBe(0);
  });
  let release: () => void = () => {};

  test('breaks off requests that take too long', async () => {
    const other = await startGatewayFixture(
      ({ timeouts }) => ({ timeouts: { ...timeouts, drain: 20 } }),
      undefined,
      () => {},
    );
    const signature = await other.issueSplit(api('split'));
    const client = await openConnection(other.port);
    client.socket.write(message(['GET /split HTTP/1.1', 'Host: g', `Authorization: Bearer ${signature}`]));
    await until(() => other.upstream.seen.length === 1);
    await other.gateway.close();
    expect(statusOf(await client.closed())).toBe(502);
    await other.stop();
  });

  test('closes WebSockets', async () => {
    const other = await startGatewayFixture(undefined, undefined, () => {});
    const signature = await other.issueSplit(api('split'));
    const client = await openConnection(other.port);
    client.socket.write(upgrade('/split', `Authorization: Bearer ${signature}`));
    await until(() => other.upstream.seen.length === 1);
    await other.gateway.close();
    await client.closed();
    await other.stop();
  });
});

describe('A key or a certificate that cannot be used is a TypeError that does not quote it', () => {
  const tls = (upstreamTls: object) => ({ routes: [{ ...route('phantom', 'https://a'), upstreamTls }] });
  test.each<[string, Partial<GatewayInput>]>([
    ['client.privateKey', { client: { id: 'gateway', privateKey: 'nonsense' } }],
    ['client.certificate', { client: { id: 'gateway', certificate: 'nonsense', key: 'nonsense' } }],
    [
      'ownJwts.signingKey',
      {
        publicUrl: 'https://gateway.example.com',
        introspection: { accept: 'application/json' },
        ownJwts: { signingKey: '{"kty":"EC","d":"nonsense"}' },
      },
    ],
    ['route /phantom: upstreamTls: expected CAs', tls({ certificate: 'nonsense', key: 'nonsense' })],
  ])('%s', (name, change) => {
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const create = () => createGateway(gatewayConfigOf(change), { store: createTestStore(), log });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(name);
    expect(create).not.toThrow('nonsense');
  });
});

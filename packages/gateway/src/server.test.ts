import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bodyOf, message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { api, type GatewayFixture, startGatewayFixture } from './testing/gateway_fixture.ts';

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture();
});
afterEach(() => fixture.stop());

const get = (...headers: string[]) => message(['GET /phantom HTTP/1.1', 'Host: g', 'Connection: close', ...headers]);

function statusesOf(answers: string): number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}

describe('A malformed request gets an OAuth error, and does not reach an API', () => {
  test.each([
    ['not HTTP', 400, 'hello\r\n\r\n'],
    ['no Host', 400, message(['GET /phantom HTTP/1.1', 'Connection: close'])],
    ['two Hosts', 400, get('host: other')],
    ['two lengths', 400, get('Content-Length: 1', 'Content-Length: 2')],
    ['a length and chunks', 400, get('Content-Length: 1', 'Transfer-Encoding: chunked')],
    ['a folded header', 400, get('X-A: a\r\n b')],
    ['a bare line feed', 400, get('X-A: a\nX-B: b')],
    ['a header without a name', 400, get(': x')],
    ['a space before the colon', 400, get('Authorization : Bearer x')],
    ['a control character in a header', 400, get('X-A: a\x00b')],
    ['a target in absolute form', 400, message(['GET http://api/phantom HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['a target of two slashes', 400, message(['GET //phantom HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['a backslash in the target', 400, message(['GET /phantom\\x HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['malformed percent-encoding', 400, message(['GET /phantom/%zz HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['the asterisk form', 400, message(['OPTIONS * HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['CONNECT', 405, message(['CONNECT api:443 HTTP/1.1', 'Host: g'])],
    ['TRACE', 405, message(['TRACE /phantom HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['headers of more than 64 KiB', 431, get(`X-A: ${'a'.repeat(70_000)}`)],
    ['more than 1,000 headers', 431, get(...Array.from({ length: 1_001 }, (_, index) => `a${index}:`))],
    ['more headers than Node.js keeps', 431, get(...Array.from({ length: 5_000 }, (_, n) => `a${n}:`))],
  ])('%s gets %d', async (_, status, bytes) => {
    const answer = await send(fixture.port, bytes);
    expect(statusOf(answer)).toBe(status);
    expect(answer).toMatch(/^content-type: application\/json\r$/im);
    expect(JSON.parse(bodyOf(answer))).toEqual({ error: expect.any(String), error_description: expect.any(String) });
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('a malformed chunk in a forwarded body ends the request, and the API does not get a complete one', async () => {
    await fixture.stop();
    // The connection to the API is closed at once, and not after a timeout.
    fixture = await startGatewayFixture(({ timeouts }) => ({
      timeouts: { ...timeouts, upstream: 600_000, client: 600_000 },
    }));
    const reference = await fixture.issueReference(api('phantom'), { scope: 'write' });
    const head = ['POST /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${reference}`];
    const client = await openConnection(fixture.port);
    client.socket.write(message([...head, 'Transfer-Encoding: chunked'], '4\r\nbody\r\n'));
    await until(async () => (await fixture.upstream.connections()) === 1);
    client.socket.write('zz\r\n');
    expect(statusOf(await client.closed())).toBe(400);
    await until(async () => (await fixture.upstream.connections()) === 0);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('is answered after the request in progress', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    const jwt = fixture.authorizationServer.active.get(reference);
    let introspected = () => {};
    fixture.authorizationServer.onIntrospection = (response) => {
      introspected = () => response.writeHead(200, { 'Content-Type': 'application/jwt' }).end(jwt);
    };
    const client = await openConnection(fixture.port);
    client.socket.write(message(['GET /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${reference}`]));
    await until(() => fixture.authorizationServer.introspections.length === 1);
    client.socket.write('hello\r\n\r\n');
    client.socket.write('more of it\r\n\r\n');
    await until(() => fixture.log.some(({ error }) => error === 'invalid_request'));
    expect(client.text()).toBe('');
    introspected();
    expect(statusesOf(await client.closed())).toEqual([200, 400]);
  });
});

describe('Pending responses are sent before a malformed request is refused', () => {
  const good = (token: string, path = '/phantom') =>
    message([`GET ${path} HTTP/1.1`, 'Host: g', `Authorization: Bearer ${token}`]);
  const post = (token: string, body: string) =>
    message(['POST /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${token}`, 'Content-Length: 4'], body);
  const chunked = (token: string, body: string) =>
    message(
      ['POST /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${token}`, 'Transfer-Encoding: chunked'],
      body,
    );

  test.each<[string, number[], (token: string) => string]>([
    ['a length of 4 with 5 bytes', [200, 400], (token) => post(token, 'body!')],
    ['a length of 4 with 5 bytes, and a good request', [200, 400], (token) => post(token, 'body!') + good(token)],
    ['two good requests and one that is not HTTP', [200, 200, 400], (token) => `${good(token)}${good(token)}?\r\n\r\n`],
    ['a refused request and one that is not HTTP', [401, 400], () => `${good('unknown')}?\r\n\r\n`],
    [
      'a good request and one with two lengths',
      [200, 400],
      (token) => `${good(token)}${message(['POST / HTTP/1.1', 'Host: g', 'Content-Length: 1', 'Content-Length: 2'])}`,
    ],
    ['a good request and one with a broken chunk', [200, 400], (token) => good(token) + chunked(token, 'zz\r\n')],
    [
      'two good requests and one with a broken chunk',
      [200, 200, 400],
      (token) => good(token) + good(token) + chunked(token, '4\r\nbody\r\nzz\r\n'),
    ],
    [
      'a good request and headers that are too large',
      [200, 431],
      (token) => `${good(token)}GET / HTTP/1.1\r\nX: ${'a'.repeat(70_000)}`,
    ],
    [
      'a request that closes the connection, and further bytes',
      [200],
      (token) =>
        `${message(['GET /phantom HTTP/1.1', 'Host: g', 'Connection: close', `Authorization: Bearer ${token}`])}?\r\n\r\n`,
    ],
  ])('%s: %j', async (_, statuses, bytes) => {
    const token = await fixture.issueReference(api('phantom'), { scope: 'read write' });
    const client = await openConnection(fixture.port);
    client.socket.write(bytes(token), 'latin1');
    expect(statusesOf(await client.closed())).toEqual(statuses);
    const refused = statuses.filter((status) => status !== 200).length;
    expect(fixture.log.filter(({ message: text }) => text === 'request refused')).toHaveLength(refused);
  });
});

describe('A pipelined request that takes over the connection', () => {
  const upgrade = (path: string, ...headers: string[]) =>
    message([`GET ${path} HTTP/1.1`, 'Host: g', 'Connection: Upgrade', 'Upgrade: websocket', ...headers]);
  const good = (token: string) => message(['GET /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${token}`]);

  test.each<[string, number[], (token: string) => string]>([
    ['a WebSocket that is refused', [200, 401], () => upgrade('/phantom')],
    ['a WebSocket that the API refuses', [200, 200], (token) => upgrade('/phantom', `Authorization: Bearer ${token}`)],
    ["an upgrade of the gateway's own endpoint", [200, 200], () => upgrade('/healthz')],
    ['a malformed upgrade', [200, 400], () => upgrade('/phantom', 'Host: h')],
    ['an upgrade behind two', [200, 200, 401], (token) => good(token) + upgrade('/phantom')],
    ['CONNECT', [200, 405], () => message(['CONNECT api:443 HTTP/1.1', 'Host: g'])],
  ])('is answered in order: %s', async (_, statuses, bytes) => {
    const token = await fixture.issueReference(api('phantom'), { scope: 'read write' });
    const client = await openConnection(fixture.port);
    client.socket.write(good(token) + bytes(token), 'latin1');
    expect(statusesOf(await client.closed())).toEqual(statuses);
  });

  test('does not cut off a long response, and is dropped if the client disconnects', async () => {
    const long = await startGatewayFixture(undefined, undefined, (_request, response) =>
      response.end('x'.repeat(20_000_000)),
    );
    const token = await long.issueReference(api('phantom'));
    const client = await openConnection(long.port);
    client.socket.write(good(token) + upgrade('/healthz'));
    const answers = await client.closed();
    expect(answers.length).toBeGreaterThan(20_000_000);
    expect(statusesOf(answers)).toEqual([200, 200]);

    const leaving = await openConnection(long.port);
    leaving.socket.write(good(token) + upgrade('/healthz'));
    await leaving.until(/200 OK/);
    leaving.socket.resetAndDestroy();
    await until(() => long.log.filter(({ path }) => path === '/phantom').length === 2);
    await long.stop();
  });
});

describe('Expect: 100-continue', () => {
  const post = (path: string, token: string, ...more: string[]) =>
    message([
      `POST ${path} HTTP/1.1`,
      'Host: g',
      `Authorization: Bearer ${token}`,
      'Content-Length: 4',
      'Expect: 100-Continue',
      ...more,
    ]);

  test.each([
    ['without a valid token', 401, '/phantom', 'unknown'],
    ['for a path without a route', 404, '/nowhere', 'unknown'],
    ['without the scope', 403, '/phantom', 'reader'],
  ])('%s gets %d without the body, and the connection is closed', async (_, status, path, token) => {
    const reader = await fixture.issueReference(api('phantom'), { scope: 'read' });
    const client = await openConnection(fixture.port);
    client.socket.write(post(path, token === 'reader' ? reader : token));
    expect(statusesOf(await client.closed())).toEqual([status]);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('is answered when the request is forwarded, and the body follows', async () => {
    const token = await fixture.issueReference(api('phantom'), { scope: 'write' });
    const client = await openConnection(fixture.port);
    client.socket.write(post('/phantom', token));
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    expect(fixture.authorizationServer.introspections).toHaveLength(1);
    client.socket.write(`body${message(['GET /nowhere HTTP/1.1', 'Host: g', 'Connection: close'])}`);
    expect(statusesOf(await client.closed())).toEqual([100, 200, 404]);
    expect(fixture.upstream.seen).toEqual([expect.objectContaining({ body: 'body' })]);
    expect(fixture.upstream.seen[0]?.headers).not.toHaveProperty('expect');
  });

  test('may be followed by the body without waiting', async () => {
    const token = await fixture.issueReference(api('phantom'), { scope: 'write' });
    const answer = await send(fixture.port, `${post('/phantom', token, 'Connection: close')}body`);
    expect(statusesOf(answer)).toEqual([100, 200]);
    expect(fixture.upstream.seen).toEqual([expect.objectContaining({ body: 'body' })]);
  });
});

describe("The gateway's own endpoints refuse malformed requests", () => {
  const pages = ['/healthz', '/readyz', '/.well-known/oauth-protected-resource/phantom'];
  test.each(pages)('%s', async (page) => {
    const ask = (...lines: string[]) => send(fixture.port, message([...lines, 'Connection: close']));
    const answers = [
      await ask(`GET ${page} HTTP/1.1`, 'Host: g', 'Host: g'),
      await ask(`GET ${page} HTTP/2.0`, 'Host: g'),
      await ask(`GET ${page} HTTP/1.1`, 'Host:'),
      await ask(`GET http://other${page} HTTP/1.1`, 'Host: g'),
      await ask(`GET http://g${page} HTTP/1.1`, 'Host: g'),
    ];
    expect(answers.map(statusOf)).toEqual([400, 400, 400, 400, statusOf(await ask(`GET ${page} HTTP/1.1`, 'Host: g'))]);
    expect(answers[4]).not.toContain('not_found');
  });
});

test('A target in absolute form reaches the API in origin form', async () => {
  const reference = await fixture.issueReference(api('phantom'));
  const lines = ['GET HTTP://g:80/phantom/a?b=c HTTP/1.1', 'Host: G', `Authorization: Bearer ${reference}`];
  expect(statusOf(await send(fixture.port, message([...lines, 'Connection: close'])))).toBe(200);
  expect(fixture.upstream.seen.map(({ url }) => url)).toEqual(['/phantom/a?b=c']);
});

test('44 headers and a JWT of 30 KB reach the API', async () => {
  const jwt = await fixture.authorizationServer.issue({ aud: api('jwt'), filling: 'x'.repeat(22_000) });
  expect(jwt.length).toBeGreaterThan(29_000);
  const headers = Object.fromEntries(Array.from({ length: 44 }, (_, index) => [`x-header-${index}`, `${index}`]));
  expect((await fixture.call('/jwt', jwt, { headers })).status).toBe(200);
  expect(fixture.upstream.seen[0]?.headers).toMatchObject({ ...headers, authorization: `Bearer ${jwt}` });
});

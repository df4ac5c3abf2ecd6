import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from './testing/condition.ts';
import { api, buildHouse, type House } from './testing/house.ts';
import { bodyOf, message, openConnection, send, statusOf } from './testing/raw_client.ts';

let house: House;
beforeEach(async () => {
  house = await buildHouse();
});
afterEach(() => house.stop());

const get = (...headers: string[]) => message(['GET /phantom HTTP/1.1', 'Host: g', 'Connection: close', ...headers]);

describe('What is not well-formed is answered with an OAuth error, and no API sees it', () => {
  test.each([
    ['no HTTP', 400, 'hello\r\n\r\n'],
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
    ['broken percent-encoding', 400, message(['GET /phantom/%zz HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['the asterisk form', 400, message(['OPTIONS * HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['CONNECT', 405, message(['CONNECT api:443 HTTP/1.1', 'Host: g'])],
    ['TRACE', 405, message(['TRACE /phantom HTTP/1.1', 'Host: g', 'Connection: close'])],
    ['headers of more than 64 KiB', 431, get(`X-A: ${'a'.repeat(70_000)}`)],
    ['more than 1,000 headers', 431, get(...Array.from({ length: 1_001 }, (_, index) => `a${index}:`))],
    ['so many headers that Node.js would drop some', 431, get(...Array.from({ length: 5_000 }, (_, n) => `a${n}:`))],
  ])('%s is %d', async (_, status, bytes) => {
    const answer = await send(house.port, bytes);
    expect(statusOf(answer)).toBe(status);
    expect(answer).toMatch(/^content-type: application\/json\r$/im);
    expect(JSON.parse(bodyOf(answer))).toEqual({ error: expect.any(String), error_description: expect.any(String) });
    expect(house.upstream.seen).toEqual([]);
  });

  test('a broken chunk in a body that is being forwarded ends the request: the API does not see a complete one', async () => {
    const reference = await house.issueReference(api('phantom'), { scope: 'write' });
    const head = ['POST /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${reference}`];
    const client = await openConnection(house.port);
    client.socket.write(message([...head, 'Transfer-Encoding: chunked'], '4\r\nbody\r\n'));
    await until('the upstream is connected', async () => (await house.upstream.connections()) === 1);
    client.socket.write('zz\r\n');
    expect(statusOf(await client.closed())).toBe(400);
    await until('the upstream connection is closed', async () => (await house.upstream.connections()) === 0);
    expect(house.upstream.seen).toEqual([]);
  });

  test('is not answered in place of another request that is still being served', async () => {
    const reference = await house.issueReference(api('phantom'));
    house.authorizationServer.onIntrospection = () => {};
    const client = await openConnection(house.port);
    client.socket.write(message(['GET /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${reference}`]));
    await until('the request is being served', () => house.authorizationServer.introspections.length === 1);
    client.socket.write('hello\r\n\r\n');
    expect(await client.closed()).toBe('');
  });
});

test('44 headers and a JWT of 30 KB reach the API', async () => {
  const jwt = await house.authorizationServer.issue({ aud: api('jwt'), filling: 'x'.repeat(22_000) });
  expect(jwt.length).toBeGreaterThan(29_000);
  const headers = Object.fromEntries(Array.from({ length: 44 }, (_, index) => [`x-header-${index}`, `${index}`]));
  expect((await house.call('/jwt', jwt, { headers })).status).toBe(200);
  expect(house.upstream.seen[0]?.headers).toMatchObject({ ...headers, authorization: `Bearer ${jwt}` });
});

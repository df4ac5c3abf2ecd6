import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { message, send, statusOf } from '@tallystick/testing/raw_client';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

const cookie = '__Host-app';
let fixture: GatewayFixture;
let token: string;
beforeAll(async () => {
  fixture = await startGatewayFixture(({ routes: [jwt] }) => {
    const upstream = jwt?.upstream ?? '';
    const phantom = { upstream, scopes: { '*': [] } };
    return {
      routes: [
        { prefix: '/raw', upstream, public: true },
        { ...phantom, prefix: '/raw/admin', api: api('admin') },
        { ...phantom, prefix: '/bearer', api: api('bearer') },
        {
          ...{ ...phantom, prefix: '/browser', api: api('browser') },
          tokenCookie: { name: cookie, origins: [], csrfHeader: 'x-csrf' },
        },
      ],
    };
  });
  token = await fixture.issueReference(api('browser'));
});
afterAll(() => fixture.stop());

async function ask(path: string, ...headers: string[]): Promise<{ status: number; seen: number }> {
  fixture.upstream.seen.length = 0;
  const answer = await send(
    fixture.port,
    message([`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers]),
  );
  return { status: statusOf(answer), seen: fixture.upstream.seen.length };
}

describe('A path that some server interprets as one of a protected route is not served as a public one', () => {
  test.each([
    '/raw/admin.',
    '/raw/admin%20',
    '/raw/admin%2e',
    '/raw/admin.%20./users',
    '/raw/ADMIN.',
    '/raw/x/..%20/admin',
    '/raw/admin::$DATA',
    '/raw/admin%3a%3a%24INDEX_ALLOCATION/users',
    '/raw/admin%2500',
    '/raw/admin%252500.html',
    '/raw/adm%C4%B1n',
    '/raw/%EF%BD%81dmin/users',
  ])('%s', async (path) => {
    expect(await ask(path)).toEqual({ status: 400, seen: 0 });
  });

  test.each([
    '/raw/other.',
    '/raw/administrator.',
    '/raw/a.b%20c',
    '/raw/admin:list',
    '/raw/other%2500',
    '/raw/%C3%A4dmin',
  ])('%s, which is not ambiguous, is served', async (path) => {
    expect(await ask(path)).toEqual({ status: 200, seen: 1 });
  });
});

describe('The name of a cookie is compared without surrounding whitespace', () => {
  test.each([
    ['', 200],
    [' ', 200],
    ['\t', 200],
    ['a=b;\t', 200],
    // A page of another host of the site may set such a cookie, because to a browser it has no prefix.
    ['\xa0', 401],
    ['a=b; \xa0', 401],
    ['\xa0 ', 401],
    ['a', 401],
  ])('%j before the name gets %d', async (before, status) => {
    const answer = await ask('/browser/a', `Cookie: ${before}${cookie}=${token}`, 'X-CSRF: 1');
    expect(answer).toEqual({ status, seen: status === 200 ? 1 : 0 });
  });
});

test.each([
  ['X.User', 'alice'],
  ['X~User', 'alice'],
  ['X`Forwarded|For', '192.0.2.1'],
  ['Proxy_Authorization', 'Bearer x'],
  ['X-Middleware-Subrequest', 'middleware'],
  ['X-Envoy-Original-Path', '/raw/admin'],
])('An API that folds names does not get %s of a client', async (name, value) => {
  await ask('/raw/a', `${name}: ${value}`, 'X-Other: kept');
  const headers = fixture.upstream.seen[0]?.headers ?? {};
  expect(headers['x-other']).toBe('kept');
  expect(headers[name.toLowerCase()]).toBeUndefined();
});

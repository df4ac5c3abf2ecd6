import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rawRequest } from '@tallystick/testing/raw_client';
import { startTestServer, type TestServer, withWebClients } from '../testing/test_server.ts';

let server: TestServer;
/** A tenant, behind a proxy or on a public name: its issuer differs from the address that it listens on. */
let tenant: TestServer;
let elsewhere: TestServer;
beforeAll(async () => {
  [server, tenant, elsewhere] = await Promise.all([
    startTestServer(withWebClients),
    startTestServer(withWebClients, { path: '/tenant' }),
    startTestServer((config) => ({ ...withWebClients(config), issuer: 'https://as.example.com' })),
  ]);
});
afterAll(() => Promise.all([server, tenant, elsewhere].map((each) => each.stop())));

/** @returns status and Location of the response */
async function sent(
  to: TestServer,
  start: string,
  host: string,
  body = '',
): Promise<readonly [number, string | undefined]> {
  const lines = [`${start} HTTP/1.1`, `Host: ${host.replace('{port}', new URL(to.issuer).port)}`, 'Connection: close'];
  if (body !== '') lines.push('Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`);
  const { status, head } = await rawRequest(to.issuer, `${lines.join('\r\n')}\r\n\r\n${body}`);
  if (status === 307) expect(head).not.toMatch(/^set-cookie:/im);
  return [status, /^location: (.*)$/im.exec(head)?.[1]?.trim()];
}

const OTHER_NAMES = [
  'localhost:{port}',
  '[::1]:{port}',
  '127.0.0.2:{port}',
  'LOCALHOST:{port}',
  'app.localhost:{port}',
];

test.each(OTHER_NAMES)('a browser that comes to %s moves to the host of the issuer', async (host) => {
  for (const target of [
    '/auth?client_id=web&state=a%2Fb',
    '/session/end?x',
    '/device?user_code=A',
    '/ciba',
    '/auth?//evil.example',
  ])
    expect(await sent(server, `GET ${target}`, host)).toEqual([307, server.issuer + target]);
  expect(await sent(server, 'POST /auth', host, 'client_id=web')).toEqual([307, `${server.issuer}/auth`]);
});

test('a browser moves to the path of the issuer', async () => {
  const target = '/tenant/auth?client_id=web';
  expect(await sent(tenant, `GET ${target}`, 'localhost:{port}')).toEqual([307, new URL(target, tenant.issuer).href]);
});

test.each([
  ['the host of the issuer', 'GET /auth', '127.0.0.1:{port}'],
  ['a port that a proxy forwards', 'GET /auth', 'localhost:1'],
  ['another host', 'GET /auth', 'evil.example:{port}'],
  ['a name that looks like this machine', 'GET /auth', 'localhost.evil.example:{port}'],
  ['the token endpoint', 'POST /token', 'localhost:{port}'],
  ['discovery', 'GET /.well-known/openid-configuration', 'localhost:{port}'],
  ['a path that begins with two slashes', 'GET //evil.example/auth', 'localhost:{port}'],
])('nothing moves for %s', async (_what, start, host) => {
  expect((await sent(server, start, host))[0]).not.toBe(307);
});

test('nothing moves at an issuer that is not on this machine', async () => {
  expect((await sent(elsewhere, 'GET /auth', 'localhost:443'))[0]).toBe(400);
});

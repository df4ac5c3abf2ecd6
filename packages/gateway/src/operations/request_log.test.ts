import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { message, send } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

const cookie = '__Host-app';
let fixture: GatewayFixture;
let token: string;
beforeAll(async () => {
  fixture = await startGatewayFixture(({ routes }) => ({
    trustedProxies: ['127.0.0.0/8'],
    decisionEndpoints: [{ path: '/decision', for: 'envoy' }],
    routes: [
      ...routes,
      { prefix: '/open', upstream: 'http://127.0.0.1:1', public: true },
      {
        ...{ prefix: '/browser', upstream: 'http://127.0.0.1:1', api: api('browser') },
        ...{ scopes: { '*': [] }, tokenCookie: { name: cookie, origins: [], csrfHeader: 'x-csrf' } },
      },
    ],
  }));
  token = await fixture.issueReference(api('phantom'));
});
beforeEach(() => {
  fixture.log.splice(0);
});
afterAll(() => fixture.stop());

const bearer = () => `Authorization: Bearer ${token}`;

test.each([
  ['under no route', () => [`GET /nowhere/${token} HTTP/1.1`, bearer()]],
  ['under a public route', () => [`GET /open/${token} HTTP/1.1`, bearer()]],
  ['with a method that no route has', () => [`TRACE /phantom/${token} HTTP/1.1`, bearer()]],
  ['with a second Authorization', () => [`GET /phantom/${token} HTTP/1.1`, bearer(), 'Authorization: Basic YTpi']],
  ['with two spaces before it', () => [`GET /phantom/${token} HTTP/1.1`, `authorization: BEARER  ${token}`]],
  ['with text after it', () => [`GET /phantom/${token} HTTP/1.1`, `${bearer()}, a=b`]],
  ['with Basic', () => [`GET /phantom/${token} HTTP/1.1`, `Authorization: Basic ${token}`]],
  ['in an ambiguous path', () => [`GET /open/%2e%2e/${token} HTTP/1.1`, bearer()]],
  ['without the CSRF header', () => [`GET /browser/${token} HTTP/1.1`, `Cookie: a=b; ${cookie}=${token}`]],
  ['in a request for a decision', () => [`GET /decision/nowhere/${token} HTTP/1.1`, bearer()]],
  ['in the target of an upgrade', () => [`GET /nowhere/${token} HTTP/1.1`, bearer(), 'Upgrade: websocket']],
  [
    'in percent-encoding',
    () => [`GET /nowhere/%${token.charCodeAt(0).toString(16)}${token.slice(1)} HTTP/1.1`, bearer()],
  ],
  ['under the scheme DPoP', () => [`GET /nowhere/${token} HTTP/1.1`, `Authorization: DPoP ${token}`]],
])('A token in a path is in no line of the log: %s', async (_, lines) => {
  const [first = '', ...headers] = lines();
  const upgrade = headers.some((line) => line.startsWith('Upgrade'));
  await send(fixture.port, message([first, 'Host: g', ...headers, `Connection: ${upgrade ? 'upgrade' : 'close'}`]));
  await until(() => fixture.log.some(({ message: text }) => text.startsWith('request ')));
  expect(decodeURIComponent(JSON.stringify(fixture.log))).not.toContain(token);
});

test.each(['path', 'query'])(
  'A percent-encoded token in the %s is refused too, and is not in the log',
  async (place) => {
    const encoded = [...token].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('');
    const target = place === 'path' ? `/phantom/${encoded}` : `/phantom/a?q=${encoded}`;
    expect((await fixture.call(target, token)).status).toBe(400);
    await until(() => fixture.log.length > 0);
    expect(decodeURIComponent(JSON.stringify(fixture.log))).not.toContain(token);
    expect(fixture.upstream.seen).toEqual([]);
  },
);

test('the path of a request without a token is logged', async () => {
  await send(
    fixture.port,
    message(['GET /nowhere/a?b HTTP/1.1', 'Host: g', 'Authorization: Bearer', 'Connection: close']),
  );
  await until(() => fixture.log.length > 0);
  expect(fixture.log).toEqual([expect.objectContaining({ path: '/nowhere/a', error: 'not_found' })]);
});

test('a path that would take long to compare with credentials is not logged', async () => {
  const cookies = Array.from({ length: 2_500 }, (_, index) => `n${index}=${'v'.repeat(8)}`).join('; ');
  const lines = [`GET /nowhere/${'%61'.repeat(5_000)} HTTP/1.1`, 'Host: g', `Cookie: ${cookies}`, 'Connection: close'];
  await send(fixture.port, message(lines));
  await until(() => fixture.log.length > 0);
  expect(fixture.log).toEqual([expect.objectContaining({ error: 'not_found', path: undefined })]);
});

test.each([
  ['token store', '/split'],
  ['authorization server', '/phantom'],
])('the log line of a 503 names its cause: the %s', async (cause, path) => {
  const { store, authorizationServer } = fixture;
  const held =
    path === '/split' ? await fixture.issueSplit(api('split')) : await fixture.issueReference(api('phantom'));
  store.unavailable = cause === 'token store';
  authorizationServer.onIntrospection = (response) => response.writeHead(500).end();
  try {
    expect((await fixture.call(path, held)).status).toBe(503);
  } finally {
    store.unavailable = false;
    authorizationServer.onIntrospection = undefined;
  }
  await until(() => fixture.log.length > 0);
  expect(fixture.log).toEqual([
    expect.objectContaining({ level: 'warn', status: 503, reason: expect.stringContaining(cause) }),
  ]);
});

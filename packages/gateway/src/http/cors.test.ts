import { afterEach, describe, expect, test } from '@jest/globals';
import { message, send, statusOf } from '@tallystick/testing/raw_client';
import type { GatewayInput } from '../testing/gateway_config.ts';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';
import type { startUpstream } from '../testing/servers.ts';

const page = 'https://app.example.com';
let fixture: GatewayFixture;
afterEach(() => fixture.stop());

async function startFixtureWith(
  cors: GatewayInput['cors'],
  respond?: Parameters<typeof startUpstream>[0],
): Promise<void> {
  fixture = await startGatewayFixture(() => (cors ? { cors } : {}), undefined, respond);
}

const preflight = (origin: string, path = '/phantom') =>
  fetchWithOrigin(path, origin, {
    method: 'OPTIONS',
    headers: { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'authorization' },
  });

/** `fetch` of Node.js sends the given `Origin`. */
function fetchWithOrigin(path: string, origin: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${fixture.origin}${path}`, { ...init, headers: { ...init.headers, Origin: origin } });
}

function cors(response: Response): Record<string, string> {
  const named = [...response.headers].filter(([name]) => name === 'vary' || name.startsWith('access-control-'));
  return Object.fromEntries(named);
}

const exposed = 'WWW-Authenticate, DPoP-Nonce';

describe('A preflight request', () => {
  test('is answered by the policy, without a token, and no API sees it', async () => {
    await startFixtureWith({ origins: [page], exposeHeaders: ['X-Total'], credentials: true, maxAge: 60 });
    const response = await preflight(page);
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(cors(response)).toEqual({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'Authorization, Content-Type, DPoP',
      'access-control-max-age': '60',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('gets the headers of the policy', async () => {
    await startFixtureWith({ origins: ['*'], methods: ['GET'], headers: ['X-A', 'x-a', 'X-B'] });
    expect(cors(await preflight(page))).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': 'x-a, X-B',
    });
  });

  test.each(['https://app.example.com.evil.org', 'http://app.example.com', 'https://APP.example.com', 'null', ''])(
    'of another origin gets a response that allows nothing: %j',
    async (origin) => {
      await startFixtureWith({ origins: [page] });
      const answer = await send(
        fixture.port,
        message([
          'OPTIONS /phantom HTTP/1.1',
          'Host: g',
          'Connection: close',
          `Origin: ${origin}`,
          'Access-Control-Request-Method: GET',
        ]),
      );
      expect(statusOf(answer)).toBe(204);
      expect(answer).not.toMatch(/^access-control-/im);
      expect(fixture.upstream.seen).toEqual([]);
    },
  );

  test('of the opaque origin is allowed only if origins names it', async () => {
    await startFixtureWith({ origins: ['*'] });
    expect(cors(await preflight('null'))).not.toHaveProperty('access-control-allow-origin');
    await fixture.stop();
    await startFixtureWith({ origins: ['null'] });
    expect(cors(await preflight('null'))).toMatchObject({ 'access-control-allow-origin': 'null' });
  });

  test('without a policy is handled like any other request, and allows nothing', async () => {
    await startFixtureWith(undefined);
    const response = await preflight(page);
    expect([response.status, cors(response)]).toEqual([401, {}]);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('for an unknown or ambiguous path is refused like any other', async () => {
    await startFixtureWith({ origins: [page] });
    expect((await preflight(page, '/nowhere')).status).toBe(404);
    expect((await preflight(page, '/%70hantom/..;/split')).status).toBe(400);
  });

  test.each([
    ['no Origin', ['Access-Control-Request-Method: GET']],
    ['no method', [`Origin: ${page}`]],
  ])('with %s is not a preflight request: it needs a token', async (_, headers) => {
    await startFixtureWith({ origins: [page] });
    const lines = ['OPTIONS /phantom HTTP/1.1', 'Host: g', 'Connection: close', ...headers];
    expect(statusOf(await send(fixture.port, message(lines)))).toBe(401);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('with a body keeps the connection usable', async () => {
    await startFixtureWith({ origins: [page] });
    const smuggled = 'GET /phantom HTTP/1.1\r\nHost: g\r\n\r\n';
    const head = ['OPTIONS /phantom HTTP/1.1', 'Host: g', `Origin: ${page}`, 'Access-Control-Request-Method: GET'];
    const after = message(['GET /healthz HTTP/1.1', 'Host: g', 'Connection: close']);
    const answer = await send(fixture.port, message([...head, `Content-Length: ${smuggled.length}`], smuggled) + after);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 200']);
  });
});

describe('A page of an allowed origin', () => {
  const origins = [page, 'https://other.example.com'];

  test('can read a response by the policy, not by the headers of the API', async () => {
    await startFixtureWith({ origins, credentials: true }, (_request, response) => {
      response.setHeader('Access-Control-Allow-Origin', '*');
      response.setHeader('Access-Control-Allow-Private-Network', 'true');
      response.setHeader('Vary', 'Accept');
      response.end('ok');
    });
    const token = await fixture.issueReference(api('phantom'));
    const ask = (origin: string) =>
      fetchWithOrigin('/phantom', origin, { headers: { Authorization: `Bearer ${token}` } });
    expect(cors(await ask(page))).toEqual({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': exposed,
      vary: 'Accept, Origin',
    });
    expect(cors(await ask('https://evil.example.org'))).toEqual({ vary: 'Accept, Origin' });
    expect(cors(await fixture.call('/phantom', token))).toEqual({ vary: 'Accept, Origin' });
  });

  test('can read a refusal: no token, an invalid one, a missing scope, an unavailable server', async () => {
    await startFixtureWith({ origins });
    const read = await fixture.issueReference(api('phantom'));
    fixture.store.unavailable = true;
    const calls: [number, string, string, string | undefined][] = [
      [401, 'GET', '/phantom', undefined],
      [401, 'GET', '/phantom', 'x'.repeat(43)],
      [403, 'POST', '/phantom', read],
      [503, 'GET', '/split', 'x'.repeat(86)],
    ];
    for (const [status, method, path, token] of calls) {
      const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      const response = await fetchWithOrigin(path, page, { method, headers });
      expect([response.status, cors(response)]).toEqual([
        status,
        { 'access-control-allow-origin': page, 'access-control-expose-headers': exposed, vary: 'Origin' },
      ]);
    }
    await fixture.upstream.stop();
    const failed = await fetchWithOrigin('/phantom', page, { headers: { Authorization: `Bearer ${read}` } });
    expect([failed.status, failed.headers.get('access-control-allow-origin')]).toEqual([502, page]);
  });
});

test('Without a policy the CORS headers of the API are passed on', async () => {
  await startFixtureWith(undefined, (_request, response) => {
    response.setHeader('Access-Control-Allow-Origin', page);
    response.end('ok');
  });
  const headers = { Authorization: `Bearer ${await fixture.issueReference(api('phantom'))}` };
  expect(cors(await fetchWithOrigin('/phantom', page, { headers }))).toEqual({ 'access-control-allow-origin': page });
});

import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import type { ConfigInput } from '../config/schema.ts';
import { startTallystick, type Tallystick } from './start_tallystick.ts';

/** An API that answers with the request that reached it. */
let api: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  api = await listen(
    createServer(({ method, url, headers }, response) =>
      response.end(JSON.stringify({ method, url, authorization: headers.authorization })),
    ),
  );
});
afterAll(() => api.stop());

const start = (config: ConfigInput): Promise<Tallystick> =>
  startForTest(startTallystick({ log: { level: 'silent' }, ...config }));

async function serviceToken({ issuer }: Tallystick, parameters: Record<string, string>): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...parameters }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return token;
}

const call = ({ gatewayUrl }: Tallystick, path: string, token: string, method = 'GET') =>
  fetch(`${gatewayUrl}${path}`, { method, headers: { Authorization: `Bearer ${token}` } });

test('the origin of an API is a whole configuration: the gateway serves the API at every path, with any method', async () => {
  const tallystick = await start({ apis: [api.origin] });
  const token = await serviceToken(tallystick, {});
  for (const method of ['GET', 'POST', 'DELETE']) {
    const answer = await call(tallystick, '/orders/7?full=1', token, method);
    expect(await answer.json()).toMatchObject({
      method,
      url: '/orders/7?full=1',
      authorization: expect.stringMatching(/^Bearer ([\w-]+\.){2}[\w-]+$/),
    });
  }
  expect((await call(tallystick, '/orders/7', 'A'.repeat(43))).status).toBe(401);
});

describe.each(['jwt', 'opaque', 'phantom', 'split'] as const)(
  'an API in the style %s needs no route',
  (accessTokens) => {
    const resource = 'https://orders.example';

    test('and every method needs one of its scopes', async () => {
      const apis = [{ resource, accessTokens, scopes: ['read', 'write'], upstream: api.origin }];
      const tallystick = await start({ apis });
      expect((await call(tallystick, '/', await serviceToken(tallystick, { resource, scope: 'read' }))).status).toBe(
        200,
      );
      // The gateway passes an opaque token on, and the API introspects it.
      expect((await call(tallystick, '/', await serviceToken(tallystick, { resource }))).status).toBe(
        accessTokens === 'opaque' ? 200 : 403,
      );
    });

    test('if the sample API is behind it', async () => {
      const tallystick = await start({ apis: [{ resource, accessTokens }] });
      const answer = await call(tallystick, '/hello', await serviceToken(tallystick, { resource }));
      expect(await answer.json()).toMatchObject({ style: accessTokens, path: '/hello' });
    });
  },
);

test.each(['localhost:5173', '127.0.0.1:8080', '[::1]:1234', 'localhost'])(
  'an application at any port of this machine can sign users in: %s',
  async (host) => {
    const tallystick = await start({ apis: [api.origin] });
    const redirectUri = `http://${host}/callback`;
    const { accessToken } = await tallystick.signIn({ client: 'demo-web', redirectUri, api: api.origin });
    expect((await call(tallystick, '/', accessToken)).status).toBe(200);
  },
);

test('the authorization server needs no API', async () => {
  const tallystick = await start({});
  expect((await fetch(`${tallystick.issuer}/.well-known/openid-configuration`)).status).toBe(200);
  expect((await call(tallystick, '/orders', 'a-token')).status).toBe(404);
});

test('a gateway for another authorization server needs no APIs, clients or sample API', async () => {
  const resource = 'https://orders.example';
  const other = await start({ apis: [{ resource, accessTokens: 'jwt' }] });
  const gateway = await start({
    gateway: {
      issuers: [{ issuer: other.issuer }],
      routes: [{ prefix: '/', api: resource, issuer: other.issuer, accessTokens: 'jwt', upstream: api.origin }],
    },
  });
  const token = await serviceToken(other, { resource });
  expect((await call(gateway, '/orders', token)).status).toBe(200);
  expect((await call(gateway, '/orders', `${token}x`)).status).toBe(401);
});

test('a change of an API at run time changes the server behind its route', async () => {
  const resource = 'https://orders.example';
  const tallystick = await start({ apis: [{ resource }] });
  await tallystick.apis.put({ resource, upstream: api.origin });
  const answer = await call(tallystick, '/orders', await serviceToken(tallystick, { resource }));
  expect(await answer.json()).toMatchObject({ url: '/orders', method: 'GET' });
});

test('without any configuration there is the demo, which accepts every client', async () => {
  const tallystick = await startForTest(startTallystick());
  expect(tallystick.config).toMatchObject({ permissive: true, issuer: tallystick.issuer });
  const resource = 'https://api.example.com/split';
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'my-own', resource, scope: 'read' });
  const answer = await fetch(`${tallystick.issuer}/token`, { method: 'POST', body });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  expect(await (await call(tallystick, '/split/hello', token)).json()).toMatchObject({ style: 'split' });
});

test('instances without a configuration run side by side', async () => {
  const [one, two] = await Promise.all([startForTest(startTallystick()), startForTest(startTallystick())]);
  expect(one.issuer).not.toBe(two.issuer);
  expect(one.gatewayUrl).not.toBe(two.gatewayUrl);
});

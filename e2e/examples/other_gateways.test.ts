import { once } from 'node:events';
import { type RequestListener, request } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { type RawResponse, rawRequest } from '@tallystick/testing/raw_client';
import { serve } from '@tallystick/testing/serve';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import WebSocket from 'ws';
import { requirement } from '../requirements/index.ts';
import { boundClient } from '../support/clients/bound_client.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { caddyIsThere, startCaddy } from '../support/peers/caddy.ts';
import { haproxyIsThere, startHaproxy } from '../support/peers/haproxy.ts';
import { exampleOf, nginxIsThere, startNginx } from '../support/peers/nginx.ts';
import type { Program } from '../support/peers/program.ts';
import { type RecordedRequest, type RecordingApi, startRecordingApi } from '../support/peers/recording_api.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

/** The examples in `deploy/`: each with its program, and the decision endpoint that the gateway has for it. */
const GATEWAYS = [
  {
    name: 'nginx',
    title: (also: string) => requirement('nginx-asks', also),
    isThere: nginxIsThere,
    endpoint: { path: '/decision', for: 'nginx', accelRedirect: '@api' },
    start: async (gateway: string, api: string) => startNginx(await exampleOf(gateway, api)),
  },
  {
    name: 'caddy',
    title: (also: string) => requirement('caddy-asks', also),
    isThere: caddyIsThere,
    endpoint: { path: '/decision', for: 'caddy' },
    start: startCaddy,
  },
  {
    name: 'haproxy',
    title: (also: string) => requirement('haproxy-asks', also),
    isThere: haproxyIsThere,
    endpoint: { path: '/decision', for: 'haproxy' },
    start: startHaproxy,
  },
] as const;

const PAGE = 'https://app.example.com';
const RESPONSE = 'recorded';

describe.each(GATEWAYS)('$name', ({ name, title, isThere, endpoint, start }) => {
  const testIt = isThere ? test : test.skip;
  let api: RecordingApi;
  let world: OneProcess;
  let front: Program;
  beforeAll(async () => {
    if (!isThere) return;
    // NGINX must ignore this header in the response of an API.
    api = await startRecordingApi({ headers: { 'X-Accel-Redirect': '/elsewhere' } });
    const upstream = api.origin;
    world = await startOneProcess((config) => ({
      ...config,
      gateway: {
        ...config.gateway,
        trustedProxies: ['127.0.0.0/8', '::1'],
        decisionEndpoints: [endpoint],
        dpop: { nonce: 'required' },
        routes: [
          ...config.gateway.routes.map((route) =>
            route.prefix === '/phantom' ? { ...route, cors: { origins: [PAGE] } } : route,
          ),
          { prefix: '/browser', api: resourceOf('phantom'), tokenCookie: { name: '__Host-app' } },
          { prefix: '/open', public: true, upstream },
          { prefix: '/open/secret', api: resourceOf('jwt'), upstream },
        ],
      },
    }));
    front = await start(world.gateways[0], api.origin);
  });
  afterAll(async () => {
    await front?.stop();
    await world?.stop();
    await api?.stop();
  });
  beforeEach(() => {
    if (isThere) api.requests.length = 0;
  });

  /** The one request that reached the API. */
  function recorded() {
    expect(api.requests).toHaveLength(1);
    return api.requests[0] as RecordedRequest;
  }

  /** Expects the API to have got the credentials of its style, and no others of the client. */
  async function expectCredentials(style: Style, token: string): Promise<void> {
    const { headers } = recorded();
    const [scheme, forApi = ''] = String(headers.authorization).split(' ');
    expect(scheme).toBe('Bearer');
    if (style === 'opaque') expect(forApi).toBe(token);
    else {
      const metadata = await fetch(`${world.issuer}/.well-known/openid-configuration`);
      const { jwks_uri } = (await metadata.json()) as { jwks_uri: string };
      const expected = { issuer: world.issuer, audience: resourceOf(style), typ: 'at+jwt' };
      await jwtVerify(forApi, createRemoteJWKSet(new URL(jwks_uri)), expected);
    }
    // A split token is the signature of the JWT, so the JWT contains it.
    if (style === 'phantom') expect(JSON.stringify(headers)).not.toContain(token);
  }

  const CALLS = [
    ['GET', undefined],
    ['HEAD', undefined],
    ['POST', 'x'.repeat(100_000)],
    ['PUT', ''],
    ['DELETE', undefined],
    ['OPTIONS', undefined],
  ] as const;

  describe.each(STYLES)('in front of an API with %s tokens', (style) => {
    testIt.each(CALLS)(title(`${style}: %s`), async (method, body) => {
      const token = await serviceToken(world, style, 'read write');
      const headers = { Authorization: `Bearer ${token}` };
      const path = `/${style}/a%2Fb%20c;d=1/e?f=%2F&g`;
      const answer = await fetch(front.url + path, { method, headers, ...(body !== undefined && { body }) });
      expect([answer.status, await answer.text()]).toEqual([200, method === 'HEAD' ? '' : RESPONSE]);
      expect(recorded()).toMatchObject({ method, url: path, bytes: body?.length ?? 0 });
      await expectCredentials(style, token);
    });

    testIt(title(`${style}: a body in chunks`), async () => {
      const token = await serviceToken(world, style, 'read write');
      const body = new Blob(['x'.repeat(70_000), 'y']).stream();
      const answer = await call(front.url, style, token, { method: 'POST', body, duplex: 'half' } as RequestInit);
      expect([answer.status, recorded().bytes]).toEqual([200, 70_001]);
    });

    testIt(title(`${style}: a WebSocket`), async () => {
      const token = await serviceToken(world, style);
      const socket = new WebSocket(`${front.url}/${style}/chat?a=b`, { headers: { Authorization: `Bearer ${token}` } });
      await once(socket, 'open');
      socket.send('hello');
      const [echo] = await once(socket, 'message');
      expect(String(echo)).toBe('hello');
      expect(recorded()).toMatchObject({ method: 'GET', url: `/${style}/chat?a=b` });
      await expectCredentials(style, token);
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    });

    testIt(title(`${style}: a WebSocket without a token`), async () => {
      const socket = new WebSocket(`${front.url}/${style}/chat`);
      const [, answer] = await once(socket, 'unexpected-response');
      expect([answer.statusCode, api.requests]).toEqual([401, []]);
      answer.destroy();
    });

    testIt(title(`${style}: a proof with the nonce that the refusal gave`), async () => {
      const { obtain, call: callBound, sent } = await boundClient(world);
      const token = await obtain(style);
      expect((await callBound(front.url, style, token)).status).toBe(200);
      // Only the API can check the binding of an opaque token.
      expect(sent).toHaveLength(style === 'opaque' ? 1 : 2);
      const { headers } = recorded();
      expect(headers.authorization).toMatch(style === 'opaque' ? /^DPoP / : /^Bearer ([\w-]+\.){2}[\w-]+$/);
      expect(headers.dpop).toBe(style === 'opaque' ? sent.at(-1)?.get('DPoP') : undefined);
    });
  });

  const REFUSED = [
    { what: 'no token', status: 401, error: 'unauthorized' },
    { what: 'an unknown token', token: 'a'.repeat(43), status: 401, error: 'invalid_token' },
    { what: 'a missing proof', scheme: 'DPoP', token: 'a'.repeat(43), status: 401 },
    { what: 'a missing scope', scope: 'read', method: 'POST', status: 403, error: 'insufficient_scope' },
    { what: 'a missing scope, HEAD', scope: 'write', method: 'HEAD', status: 403 },
    { what: 'an unknown path', path: '/elsewhere', status: 404, error: 'not_found' },
    { what: 'an ambiguous path', path: '/phantom/..;/x', status: 400, error: 'invalid_request' },
    { what: 'an authorization server that fails', scope: 'read', fault: true, status: 503 },
    { what: 'a token in a cookie', scope: 'read', more: 'Cookie: __Host-app=a', status: 501, error: 'not_implemented' },
  ] as const satisfies readonly Refused[];

  interface Refused {
    what: string;
    status: number;
    error?: string;
    token?: string;
    scope?: string;
    scheme?: string;
    method?: string;
    path?: string;
    more?: string;
    fault?: boolean;
  }

  /** The header lines of a response that the gateway determines. */
  const gatewayLines = ({ head }: RawResponse) =>
    head
      .split('\r\n')
      .map((line) => line.replace(/^[^:]+/, (header) => header.toLowerCase()))
      .filter((line) =>
        /^(www-authenticate|dpop-nonce|retry-after|access-control-|vary|content-type|cache-control)/.test(line),
      )
      .map((line) => line.replace(/^dpop-nonce: .*/, 'dpop-nonce'))
      .sort();

  testIt.each<Refused>(REFUSED)(title('refuses like the gateway: $what'), async (refused) => {
    const { method = 'GET', path = '/phantom/hello', scheme = 'Bearer', more } = refused;
    const { host } = new URL(front.url);
    if (refused.fault) world.tallystick.faults.add({ endpoint: 'introspection', status: 500 });
    const ask = async (url: string) => {
      const token = refused.scope === undefined ? refused.token : await serviceToken(world, 'phantom', refused.scope);
      const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, `Origin: ${PAGE}`, 'Connection: close'];
      if (token !== undefined) lines.push(`Authorization: ${scheme} ${token}`);
      if (method === 'POST') lines.push('Content-Length: 0');
      if (more !== undefined) lines.push(more);
      return rawRequest(url, `${lines.join('\r\n')}\r\n\r\n`);
    };
    const answer = await ask(front.url);
    const direct = path === '/phantom/hello' && more === undefined ? await ask(world.gateways[0]) : undefined;
    world.tallystick.faults.clear();

    expect(answer.status).toBe(refused.status);
    if (refused.error !== undefined) expect(JSON.parse(answer.body)).toMatchObject({ error: refused.error });
    const challenges = gatewayLines(answer).filter((line) => line.startsWith('www-authenticate'));
    expect(challenges).toHaveLength(refused.status === 401 || refused.status === 403 ? 1 : 0);
    if (direct !== undefined) {
      expect([gatewayLines(answer), answer.body]).toEqual([gatewayLines(direct), direct.body]);
      expect(gatewayLines(answer)).toContain(`access-control-allow-origin: ${PAGE}`);
    }
    expect(api.requests).toEqual([]);
  });

  testIt(title('a page of another origin'), async () => {
    const asking = { Origin: PAGE, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'a' };
    const preflight = (path: string, headers = asking) => fetch(front.url + path, { method: 'OPTIONS', headers });
    const may = await preflight('/phantom/hello');
    expect([may.status, may.headers.get('access-control-allow-origin')]).toEqual([204, PAGE]);
    expect(may.headers.get('access-control-allow-methods')).toContain('POST');
    const mayNot = await preflight('/phantom/hello', { ...asking, Origin: 'https://evil.example' });
    expect(mayNot.headers.get('access-control-allow-origin')).toBeNull();
    expect((await preflight('/split/hello')).status).toBe(401); // No CORS policy, so an ordinary request.
    expect(api.requests).toEqual([]);

    const token = await serviceToken(world, 'phantom');
    const answer = await call(front.url, 'phantom', token, { headers: { Origin: PAGE } });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, PAGE]);
    expect(answer.headers.get('access-control-expose-headers')).toBe('WWW-Authenticate, DPoP-Nonce');
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  testIt.each(STYLES)(title('an MCP client finds the authorization server of %s'), async (style) => {
    const refused = await call(front.url, style);
    const [, metadata = ''] = /resource_metadata="([^"]+)"/.exec(String(refused.headers.get('www-authenticate'))) ?? [];
    expect(metadata).toBe(`${front.url}/.well-known/oauth-protected-resource/${style}`);
    const answer = await fetch(metadata, { headers: { Authorization: 'Bearer unwanted', Origin: PAGE } });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect(await answer.json()).toMatchObject({ resource: resourceOf(style), authorization_servers: [world.issuer] });
    const headers = { Origin: PAGE, 'Access-Control-Request-Method': 'GET' };
    const preflight = await fetch(metadata, { method: 'OPTIONS', headers });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    expect(api.requests).toEqual([]);
  });

  /** Headers with claims of a client. Gateways refuse some and remove others, and never pass one on. */
  const FORGED_HEADERS = [
    'X-User: evil',
    'X_User: evil',
    'X-User-Id: evil',
    'Remote-User: evil',
    'X-Forwarded-User: evil',
    'X-Forwarded-For: evil',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Proto: evil',
    'X-Forwarded-Port: evil',
    'X-Forwarded-Prefix: /evil',
    'X-Forwarded-Method: evil',
    'X-Forwarded-Uri: /evil',
    'X-Original-Method: evil',
    'X-Original-URI: /evil',
    'X-Original-URL: http://evil/evil',
    'X-Rewrite-URL: /evil',
    'X-HTTP-Method-Override: evil',
    'X_HTTP_Method_Override: evil',
    'Forwarded: for=evil',
    'X-Host: evil',
    'X-Real-IP: evil',
    'True-Client-IP: evil',
    'CF-Connecting-IP: evil',
    'Client-Cert: :evil:',
    'X-Client-Cert: evil',
    'Proxy: evil',
    'Proxy-Authorization: evil',
    'DPoP: evil',
    'X_Forwarded_For: evil',
    'X_Real_IP: evil',
    'X.Forwarded.For: evil',
    'X.User: evil',
  ];
  testIt.each(FORGED_HEADERS)(title('a client cannot set an identity or forwarding header: %s'), async (line) => {
    for (const path of ['/phantom/hello', '/open/hello']) {
      api.requests.length = 0;
      const token = await serviceToken(world, 'phantom');
      const { host } = new URL(front.url);
      const head = [
        `GET ${path} HTTP/1.1`,
        `Host: ${host}`,
        `Authorization: Bearer ${token}`,
        line,
        'Connection: close',
      ];
      const { status } = await rawRequest(front.url, `${head.join('\r\n')}\r\n\r\n`);
      if (status === 400) expect(api.requests).toEqual([]);
      else {
        expect([status, recorded().url]).toEqual([200, path]);
        const { headers } = recorded();
        expect(JSON.stringify(headers)).not.toContain('evil');
        expect(JSON.stringify(headers)).not.toContain(token);
        expect(headers.authorization !== undefined).toBe(path.startsWith('/phantom'));
      }
    }
  });

  testIt.each([
    ['GET', 'h2c'],
    ['GET', 'websocket, h2c'],
    ['GET', 'other/1'],
    ['POST', 'websocket'],
  ])(title('upgrades to WebSocket only: %s, %s'), async (method, upgrade) => {
    const token = await serviceToken(world, 'phantom', 'read write');
    const headers = { Authorization: `Bearer ${token}`, Connection: 'Upgrade', Upgrade: upgrade };
    const asking = request(`${front.url}/phantom/hello`, { method, headers, agent: false }).end();
    const [answer] = await once(asking, 'response');
    asking.destroy();
    if (answer.statusCode === 400) expect(api.requests).toEqual([]);
    else expect([answer.statusCode, recorded().headers.upgrade]).toEqual([200, undefined]);
  });

  testIt.each(['X-Debug', 'Cookie', 'Referer'])(title('a token goes nowhere in %s either'), async (header) => {
    const token = await serviceToken(world, 'phantom');
    const answer = await call(front.url, 'phantom', token, { headers: { [header]: `http://a/?a=${token}` } });
    expect([answer.status, api.requests]).toEqual([400, []]);
  });

  testIt.each(['/decision', '/decision/phantom/hello', '/_decision'])(
    title('nobody but itself asks: %s'),
    async (path) => {
      const token = await serviceToken(world, 'phantom');
      for (const method of ['GET', 'OPTIONS']) {
        const answer = await fetch(front.url + path, {
          method,
          headers: {
            ...{ Authorization: `Bearer ${token}`, Origin: PAGE, 'Access-Control-Request-Method': 'GET' },
            ...{ 'X-Original-Method': 'GET', 'X-Original-URI': '/phantom/hello' },
            ...{ 'X-Forwarded-Method': 'GET', 'X-Forwarded-Uri': '/phantom/hello' },
          },
        });
        expect([answer.status, answer.headers.get('authorization'), api.requests]).toEqual([404, null, []]);
      }
    },
  );

  /** Targets that some servers confuse with another one. The client has no token. */
  const TARGETS = [
    ['/open/page', true],
    ['/open/a%2Fb', true],
    ['/open/a;b=c', true],
    ['/open/a//b', true],
    ['/open/?a=/../secret', true],
    ['/open/secret', false],
    ['/open/%73ecret', false],
    ['/open/%2573ecret', false],
    ['/open%2Fsecret', false],
    ['/open%2fsecret/x', false],
    ['/open//secret', false],
    ['//open/secret', false],
    ['/open/./secret', false],
    ['/open/x/../secret', false],
    ['/open/x/%2e%2e/secret', false],
    ['/open/x/..%2fsecret', false],
    ['/open/x/..;/secret', false],
    ['/open/;a/secret', false],
    ['/open/secret;a=b', false],
    ['/open/secret%3Ba', false],
    ['/open/secret/', false],
    ['/open/SECRET', false],
    ['/open/secret%2F', false],
    ['/open/secret%00', false],
    ['/open/secret%20', false],
    ['/open/secret.', false],
    ['/open\\secret', false],
    ['/open/%5csecret', false],
    ['/open/secret?', false],
    ['/open/secret#', undefined, '/open/secret%23'],
    ['/open/page#/../secret', false],
    ['/.well-known/oauth-protected-resource/../../open/secret', false],
    ['/.well-known/oauth-protected-resource/..%2f..%2fopen/secret', false],
    ['/.well-known/oauth-protected-resource/../../decision', false],
    ['/open/../.well-known/oauth-protected-resource/../../open/secret', false],
    ['/decision/../open/secret', false],
    ['http://HOST/open/secret', false],
    ['http://other.example/open/secret', false],
    ['open/secret', false],
    ['*', false],
  ] as const satisfies readonly Target[];

  /** A request target; whether it passes, if all gateways agree; and the targets that some of them send on. */
  type Target = readonly [target: string, passes: boolean | undefined, written?: string];

  testIt.each<Target>(TARGETS)(
    title('what is forwarded is what was decided: %s'),
    async (target, passes, ...[written]) => {
      const { host } = new URL(front.url);
      const sent = target.replace('HOST', host);
      const answer = await rawRequest(front.url, `GET ${sent} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(answer.head).not.toMatch(/^authorization:/im);
      const reached = api.requests.map(({ url }) => url);
      if (passes !== undefined) expect([reached, answer.status === 200]).toEqual(passes ? [[sent], true] : [[], false]);
      expect(reached.filter((url) => url !== sent && url !== written)).toEqual([]);
      expect(answer.status).toBeLessThan(500);
    },
  );

  describe('with a gateway that', () => {
    let stop: (() => Promise<void>) | undefined;
    afterEach(() => stop?.());

    async function answerOf(gateway: string): Promise<Response> {
      const broken = await start(gateway, api.origin);
      stop = () => broken.stop();
      const headers = { Authorization: `Bearer ${'a'.repeat(43)}` };
      return fetch(`${broken.url}/phantom/hello`, { headers, redirect: 'manual' });
    }

    testIt(title('is down'), async () => {
      const answer = await answerOf(`http://127.0.0.1:${await freePort()}`);
      expect([answer.status, answer.headers.get('www-authenticate'), api.requests]).toEqual([503, null, []]);
      expect([answer.headers.get('retry-after'), answer.headers.get('content-type')]).toEqual([
        '1',
        'application/json',
      ]);
      expect(await answer.json()).toMatchObject({ error: 'temporarily_unavailable' });
    });

    const BROKEN: readonly [string, RequestListener, number][] = [
      ['closes the connection', (request) => request.socket.destroy(), 503],
      ['redirects', (_, response) => response.writeHead(302, { Location: '/x' }).end(), 302],
      ['answers with another success status', (_, response) => response.writeHead(204).end(), 204],
      ['answers 201', (_, response) => response.writeHead(201).end(), 201],
      ['fails', (_, response) => response.writeHead(500).end('oops'), name === 'haproxy' ? 503 : 500],
    ];
    testIt.each(BROKEN)(title('%s'), async (_what, listener, status) => {
      const { origin } = await serve(listener);
      expect([(await answerOf(origin)).status, api.requests]).toEqual([status, []]);
    });
  });
});

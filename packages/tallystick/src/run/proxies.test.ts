import { createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { onTestFinished, startForTest } from '@tallystick/testing/on_test_finished';
import { serve } from '@tallystick/testing/serve';
import { openTokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { pino } from 'pino';
import { ConfigError } from '../config/config_error.ts';
import { checkConfig, loadConfig } from '../config/load_config.ts';
import { runGateway } from './gateway.ts';
import { createProxyFor, createProxyingFetch } from './proxies.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;

/** An HTTP proxy that sends every call to one local server. */
async function startProxy(port: number) {
  const seen: { readonly what: string; readonly authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    seen.push({ what: `${request.method} ${request.url}`, authorization: request.headers['proxy-authorization'] });
    const { pathname } = new URL(request.url ?? '');
    const on = httpRequest({ port, method: request.method, path: pathname, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    request.pipe(on);
  });
  server.on('connect', (request, socket) => {
    seen.push({ what: `CONNECT ${request.url}`, authorization: request.headers['proxy-authorization'] });
    const on = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      on.pipe(socket).pipe(on);
    });
    on.on('error', () => socket.destroy());
    socket.on('error', () => on.destroy());
  });
  return { url: (await startForTest(listen(server))).origin, seen };
}

describe('the proxy for a URL', () => {
  const environment = { HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://p:2' };
  test.each<[string, NodeJS.ProcessEnv, string | undefined]>([
    ['http://login.example/jwks', environment, 'http://p:1'],
    ['https://login.example/jwks', environment, 'http://p:2'],
    ['https://login.example/jwks', { HTTP_PROXY: 'http://p:1' }, undefined],
    ['http://login.example/jwks', { ...environment, http_proxy: 'http://lower:1' }, 'http://lower:1'],
    ['http://login.example/jwks', { ...environment, http_proxy: '' }, 'http://p:1'],
    ['http://localhost:4000/jwks', environment, undefined],
    ['http://tenant.localhost/jwks', environment, undefined],
    ['http://127.0.0.1:4000/jwks', environment, undefined],
    ['http://[::1]:4000/jwks', environment, undefined],
    ['https://login.example/jwks', { ...environment, NO_PROXY: '*' }, undefined],
    ['https://login.example/jwks', { ...environment, NO_PROXY: 'a.example, Login.example' }, undefined],
    ['https://login.example/jwks', { ...environment, NO_PROXY: 'other', no_proxy: 'login.example' }, undefined],
    ['https://a.login.example/jwks', { ...environment, NO_PROXY: 'login.example' }, undefined],
    ['https://a.login.example/jwks', { ...environment, NO_PROXY: '.login.example' }, undefined],
    ['https://a.login.example/jwks', { ...environment, NO_PROXY: '*.login.example' }, undefined],
    ['https://mylogin.example/jwks', { ...environment, NO_PROXY: 'login.example' }, 'http://p:2'],
    ['https://login.example/jwks', { ...environment, NO_PROXY: 'login.example:443' }, undefined],
    ['https://login.example/jwks', { ...environment, NO_PROXY: 'login.example:8443' }, 'http://p:2'],
    ['https://10.1.2.3/jwks', { ...environment, NO_PROXY: '10.0.0.0/8' }, undefined],
    ['https://11.1.2.3/jwks', { ...environment, NO_PROXY: '10.0.0.0/8' }, 'http://p:2'],
    ['https://10.1.2.3/jwks', { ...environment, NO_PROXY: '10.1.2.3' }, undefined],
    ['https://[fd00::1]/jwks', { ...environment, NO_PROXY: 'fd00::/8' }, undefined],
  ])('%s with %j is %s', (url, given, proxy) => {
    expect(createProxyFor(given)?.(url)).toBe(proxy);
  });

  test('is not looked up if no proxy is set', () => {
    expect(createProxyFor({ NO_PROXY: 'a', HTTPS_PROXY: '' })).toBeUndefined();
  });

  test.each(['proxy:8080', 'socks5://user:hidden@proxy:1080', 'hidden'])('cannot be %s', (value) => {
    const create = () => createProxyFor({ HTTPS_PROXY: value });
    expect(create).toThrow(ConfigError);
    expect(create).toThrow('HTTPS_PROXY: expected an http or https URL');
    expect(create).not.toThrow(/hidden/);
  });
});

test('an https call goes through a tunnel, an http call is forwarded, and both carry the credentials for the proxy', async () => {
  const proxy = await startProxy((await serve((_, response) => response.end('ok'))).port);
  const url = proxy.url.replace('http://', 'http://user:word@');
  const proxyFor = createProxyFor({ HTTP_PROXY: url, HTTPS_PROXY: url });
  const fetch = createProxyingFetch(proxyFor as NonNullable<typeof proxyFor>, undefined);
  expect(await (await fetch('http://login.partner.example/jwks')).text()).toBe('ok');
  // The server does not speak TLS, so the call fails after the CONNECT request.
  await expect(fetch('https://login.partner.example/jwks')).rejects.toThrow();
  const authorization = `Basic ${btoa('user:word')}`;
  expect(proxy.seen).toEqual([
    { what: 'GET http://login.partner.example/jwks', authorization },
    { what: 'CONNECT login.partner.example:443', authorization },
  ]);
});

test('a gateway calls issuers through the proxy of its environment, and upstreams directly', async () => {
  const answers: Record<string, unknown> = {
    '/jwks': { keys: [] },
    '/introspect': { active: true, sub: 'alice', client_id: 'app', aud: 'account' },
  };
  const issuer = await serve((request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answers[request.url ?? '']));
  });
  const proxy = await startProxy(issuer.port);
  const api = await serve((_, response) => response.end('from the API'));
  const config = await loadConfig(DEMO);
  const partner = 'http://login.partner.example';
  const checked = checkConfig({
    ...config,
    host: '127.0.0.1',
    gateway: {
      ...config.gateway,
      port: 0,
      ownJwts: { issuer: 'https://gateway.example.com' },
      issuers: [
        {
          issuer: partner,
          jwksUri: `${partner}/jwks`,
          introspectionEndpoint: `${partner}/introspect`,
          client: { id: 'gateway', secret: 'secret' },
          introspection: { accept: 'application/json' },
        },
      ],
      routes: [
        {
          prefix: '/partner',
          issuer: partner,
          api: 'https://api.example.com/partner',
          audience: 'account',
          accessTokens: 'phantom',
          upstream: api.origin,
        },
      ],
    },
  });
  const store = await openTokenStore(storeConfig());
  onTestFinished(() => store.close());
  const environment = { HTTP_PROXY: proxy.url };
  const gateway = await runGateway(checked, { store, log: pino({ level: 'silent' }), environment });
  onTestFinished(() => gateway.stop());
  const headers = { Authorization: 'Bearer some-reference' };
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/partner/a`, { headers });
  expect([answer.status, await answer.text()]).toEqual([200, 'from the API']);
  const asked = proxy.seen.map(({ what }) => what);
  expect(asked).toContain(`POST ${partner}/introspect`);
  expect(asked.every((what) => what.includes('login.partner.example'))).toBe(true);
});

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type RawResponse, rawRequest } from '@tallystick/testing/raw_client';
import { requirement } from '../requirements/index.ts';
import { serviceToken } from '../support/clients/clients.ts';
import { startTokenHandlerWorld } from '../support/clients/token_handler.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { countWork } from '../support/worlds/counted_work.ts';

let world: Controlled;
let token: string;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());
beforeEach(async () => {
  await world.tallystick.reset();
  token = await serviceToken(world, 'phantom');
});

const SERVICE = `Authorization: Basic ${btoa('demo-service:demo-service-secret')}`;
const GATEWAY = `Authorization: Basic ${btoa('gateway:gateway-secret')}`;
const FORM = 'Content-Type: application/x-www-form-urlencoded';
const JSON_TYPE = 'Content-Type: application/json';
const API = 'resource=https://api.example.com/jwt';
const REQUEST = `client_id=demo-web&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A53682%2Fcallback&${API}&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256`;

function send(url: string, method: string, path: string, headers: readonly string[], body = ''): Promise<RawResponse> {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`, ...headers, ...length, 'Connection: close'];
  return rawRequest(url, `${head.join('\r\n')}\r\n\r\n${body}`);
}

const post = (path: string, body: string, ...headers: string[]) =>
  send(world.issuer, 'POST', path, [FORM, ...headers], body);
const get = (path: string, ...headers: string[]) => send(world.issuer, 'GET', path, headers);
const call = (path: string, ...headers: string[]) =>
  send(world.gateways[0], 'GET', path, [`Authorization: Bearer ${token}`, ...headers]);
const control = (method: string, path: string, body = '') =>
  send(world.controlUrl, method, path, body === '' ? [] : [JSON_TYPE], body);
const times = (text: string, count: number, separator = '') => Array<string>(count).fill(text).join(separator);
const numbered = (count: number, name: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => name(index));

const manyParameters = /more than 100 parameters/;
const tooDeep = /nested too deeply/;
const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const details = (within: string) => encodeURIComponent(`[{"type":"payment","within":${within}}]`);
const claims = (within: string) => encodeURIComponent(`{"userinfo":{"role":{"within":${within}}}}`);
const requestObject = (claimsOf: string) => `e30.${Buffer.from(claimsOf).toString('base64url')}.sig`;

test.each<[string, () => Promise<RawResponse>, RegExp]>([
  ['a form of 13,000 parameters', () => post('/token', times('a=b', 13_000, '&'), SERVICE), manyParameters],
  ['a query of 13,000 parameters', () => get(`/auth?${times('a=b', 13_000, '&')}`), manyParameters],
  [
    'as many at the authorization server',
    () => post('/token', `grant_type=client_credentials&${API}&${times('a=b', 99, '&')}`, SERVICE),
    manyParameters,
  ],
  [
    'resources without end',
    () => post('/token', `grant_type=client_credentials&${times(API, 1_500, '&')}`, SERVICE),
    manyParameters,
  ],
  ['a pushed request', () => post('/request', `${REQUEST}&${times('a=b', 13_000, '&')}`), manyParameters],
  ['introspection', () => post('/token/introspection', times('token=a', 7_000, '&'), GATEWAY), manyParameters],
  [
    'a query beside a form',
    () => post(`/token?${times('a=b', 13_000, '&')}`, 'grant_type=client_credentials', SERVICE),
    manyParameters,
  ],
  ['the page of a user code', () => post('/device', times('a=b', 13_000, '&')), manyParameters],
  ['the page of backchannel requests', () => get(`/ciba?${times('user=a', 9_000, '&')}`), manyParameters],
  ['discovery', () => get(`/.well-known/openid-configuration?${times('a', 13_000, '&')}`), manyParameters],
  ['the control API', () => control('GET', `/requests?${times('endpoint=token', 4_000, '&')}`), manyParameters],
  ['the sample API', () => send(world.sampleApi, 'GET', `/jwt/hello?${times('a=b', 13_000, '&')}`, []), manyParameters],
  ['JSON at the control API', () => control('PUT', '/clients', `{"id":"x","data":${deep(100_000)}}`), tooDeep],
  [
    'JSON at the registration endpoint',
    () => send(world.issuer, 'POST', '/reg', [JSON_TYPE], `{"jwks":${deep(20_000)}}`),
    tooDeep,
  ],
  [
    'authorization_details',
    () => post('/token', `grant_type=client_credentials&${API}&authorization_details=${details(deep(4_000))}`, SERVICE),
    tooDeep,
  ],
  [
    'pushed authorization_details',
    () => post('/request', `${REQUEST}&scope=openid&authorization_details=${details(deep(4_000))}`),
    tooDeep,
  ],
  ['pushed claims', () => post('/request', `${REQUEST}&scope=openid&claims=${claims(deep(4_000))}`), tooDeep],
  [
    'claims under another spelling',
    () => post('/request', `${REQUEST}&scope=openid&cl%61ims=${claims(deep(4_000))}`),
    tooDeep,
  ],
  ['claims in a query', () => get(`/auth?${REQUEST}&scope=openid&claims=${claims(deep(4_000))}`), tooDeep],
  [
    'a request object',
    () => post('/request', `client_id=demo-web&request=${requestObject(`{"claims":${deep(9_000)}}`)}`),
    tooDeep,
  ],
])(requirement('bounded-input', '%s'), async (_what, ask, reason) => {
  const { status, body } = await ask();
  expect([status, body]).toEqual([400, expect.stringMatching(reason)]);
  expect(body).toContain('invalid_request');
});

test(requirement('bounded-input', 'a token handler'), async () => {
  const { world: other } = await startTokenHandlerWorld('phantom');
  try {
    for (const page of ['login', 'callback']) {
      const path = `/oauth-agent/${page}?${times('state=a', 5_000, '&')}`;
      const { status, body } = await send(String(other.gateways[0]), 'GET', path, []);
      expect([status, body]).toEqual([400, expect.stringMatching(manyParameters)]);
    }
  } finally {
    await other.stop();
  }
});

test(requirement('bounded-input', 'the request is recorded unchanged'), async () => {
  await post('/token', times('a=b', 13_000, '&'), SERVICE);
  await get(`/auth?${times('a=b', 13_000, '&')}`);
  const [form, query] = world.tallystick.requests.list({ secrets: true }).slice(-2);
  expect([form?.form?.a, query?.query.a]).toEqual([Array(13_000).fill('b'), Array(13_000).fill('b')]);
  expect(form).toMatchObject({ clientId: 'demo-service', endpoint: 'token', status: 400 });
});

/** Requests by their number of entries. The servers accept them, or refuse them for another reason. */
const LISTS: Record<string, { readonly most: number; readonly ask: (count: number) => Promise<RawResponse> }> = {
  scopes: {
    most: 6_000,
    ask: (count) =>
      post(
        '/token',
        `grant_type=client_credentials&${API}&scope=${numbered(count, (n) => `s${n}`).join('+')}`,
        SERVICE,
      ),
  },
  'scopes of an authorization request': {
    most: 6_000,
    ask: (count) => post('/request', `${REQUEST}&scope=openid+${numbered(count, (n) => `s${n}`).join('+')}`),
  },
  acr_values: {
    most: 6_000,
    ask: (count) => post('/request', `${REQUEST}&scope=openid&acr_values=${times('a', count, '+')}`),
  },
  prompts: {
    most: 6_000,
    ask: (count) => post('/request', `${REQUEST}&scope=openid&prompt=${times('login', count, '+')}`),
  },
  'requested claims': {
    most: 1_600,
    ask: (count) =>
      post(
        '/request',
        `${REQUEST}&scope=openid&claims=${encodeURIComponent(`{"userinfo":{${numbered(count, (n) => `"c${n}":null`).join(',')}}}`)}`,
      ),
  },
  'authorization_details of a token request': {
    most: 800,
    ask: (count) =>
      post(
        '/token',
        `grant_type=client_credentials&${API}&authorization_details=${encodeURIComponent(`[${numbered(count, (n) => `{"type":"payment","n":${n}}`).join(',')}]`)}`,
        SERVICE,
      ),
  },
  'redirect URIs': {
    most: 1_600,
    ask: (count) =>
      send(
        world.issuer,
        'POST',
        '/reg',
        [JSON_TYPE],
        JSON.stringify({ redirect_uris: numbered(count, (n) => `https://client.example.com/${n}`) }),
      ),
  },
  'keys of a client': {
    most: 400,
    ask: (count) =>
      send(
        world.issuer,
        'POST',
        '/reg',
        [JSON_TYPE],
        JSON.stringify({
          redirect_uris: ['https://a.example'],
          jwks: { keys: numbered(count, (n) => ({ kty: 'OKP', crv: 'Ed25519', kid: n, x: 'x'.repeat(43) }) as never) },
        }),
      ),
  },
  'media types': {
    most: 6_000,
    ask: (count) => post('/token/introspection', 'token=a', GATEWAY, `Accept: ${times('a/b', count, ',')}`),
  },
  'cookies at the authorization server': {
    most: 6_000,
    ask: (count) => get('/interaction/abc', `Cookie: ${numbered(count, (n) => `a${n}=b`).join('; ')}`),
  },
  'forwarding proxies': {
    most: 4_000,
    ask: (count) => get('/auth', `X-Forwarded-For: ${times('192.0.2.1', count, ', ')}`),
  },
  'parameters of a media type': {
    most: 6_000,
    ask: (count) => send(world.issuer, 'POST', '/token', [`${FORM};${times('a=b', count, ';')}`], 'a=b'),
  },
  'cookies at the gateway': {
    most: 5_000,
    ask: (count) => call('/phantom/hello', `Cookie: ${numbered(count, (n) => `a${n}=b`).join('; ')}`),
  },
  'headers of one connection': {
    most: 5_000,
    ask: (count) => call('/phantom/hello', `Connection: ${numbered(count, (n) => `a${n}`).join(',')}`),
  },
  'headers at the gateway': {
    most: 900,
    ask: (count) => call('/phantom/hello', ...numbered(count, (n) => `A${n}: b`)),
  },
  'parameters at the gateway': { most: 100, ask: (count) => call(`/phantom/hello?${times('a=b', count, '&')}`) },
  'segments of a path': { most: 8_000, ask: (count) => call(`/phantom/hello${times('/%61', count)}`) },
  'words of a credential': {
    most: 4_000,
    ask: (count) =>
      send(world.gateways[0], 'GET', `/phantom/${'a'.repeat(1_000)}`, [
        `Authorization: ${times('Bearer aaaaaaaa', count, ' ')}`,
      ]),
  },
  'faults at the control API': {
    most: 4_000,
    ask: (count) =>
      control(
        'POST',
        '/faults',
        JSON.stringify({ faults: Array(count).fill({ endpoint: 'token', status: 503, calls: 1 }) }),
      ),
  },
  'unknown names at the control API': {
    most: 4_000,
    ask: (count) =>
      control(
        'POST',
        '/faults',
        JSON.stringify({ faults: Array(count).fill({ endpoint: 'token', status: 503, x: 1 }) }),
      ),
  },
  'parameters of recorded requests': {
    most: 12_000,
    async ask(count) {
      await post('/token', times('a=b', count, '&'), SERVICE);
      await get(`/auth?${times('a=b', count, '&')}`);
      return control('GET', '/requests');
    },
  },
  'claims without a flow': {
    most: 4_000,
    ask: (count) =>
      control(
        'POST',
        '/tokens',
        JSON.stringify({
          client: 'demo-service',
          api: 'https://api.example.com/jwt',
          claims: Object.fromEntries(numbered(count, (n) => `c${n}`).map((name) => [name, 1])),
        }),
      ),
  },
};

test.each(Object.keys(LISTS))(requirement('linear-work', '%s'), async (what) => {
  const { most, ask } = LISTS[what] as (typeof LISTS)[string];
  await ask(1); // Work that happens once, such as the first fetch of keys, is not measured.
  let status = 0;
  const work = (count: number) =>
    countWork(async () => {
      ({ status } = await ask(count));
    });
  const [few, many] = [await work(most / 4), await work(most)];
  expect(status).toBeLessThan(500);
  // Four times as many entries may be four times the work. Quadratic work would be sixteen times as much.
  expect(many / few).toBeLessThan(6);
});

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { corpus } from './corpus.ts';
import { statusesOf } from './statuses.ts';

/** All servers except the gateway, with the paths to attack. */
const servers = {
  'authorization server': ['/token', '/device', '/interaction', '/reg', '/ciba'],
  'sample API': ['/jwt', '/healthz'],
  'control API': ['/faults', '/tenants'],
} as const;
type Server = keyof typeof servers;
const names = Object.keys(servers) as Server[];

let world: OneProcess;
let urls: Record<Server, string>;
const stderr = jest.spyOn(process.stderr, 'write');
const consoleError = jest.spyOn(console, 'error');
beforeAll(async () => {
  world = await startOneProcess((config) => ({ ...config, controlApi: { ...config.controlApi, enabled: true } }));
  urls = {
    'authorization server': world.issuer,
    'sample API': world.sampleApi,
    'control API': world.tallystick.controlUrl ?? '',
  };
});
afterAll(() => world.stop());

const none: string[] = [];

/** Topics whose responses do not depend on the gateway's handling of tokens, paths and bodies. */
const isForAll = (topic: string) => ['the transfer coding', 'the head'].includes(topic);

describe.each(names)('%s', (name) => {
  test.each(Object.keys(corpus))(requirement('malformed-input', `${name}: raw requests, %s`), async (topic) => {
    const wrong: string[] = [];
    for (const raw of corpus[topic] ?? []) {
      const mayBeSilent = new RegExp(`^(${raw.answers})$`).test('') || raw.reaches === '0 or 1';
      for (const path of servers[name]) {
        const statuses = await statusesOf(
          urls[name],
          raw.bytes.replaceAll('{path}', path).replaceAll('{token}', 'x'.repeat(43)),
          mayBeSilent,
        );
        const isRefused = isForAll(topic) && raw.reaches === 0;
        const expected = isRefused ? new RegExp(`^(${raw.answers})$`) : /^(?:(?:[234]\d\d|501)(?: (?!$)|$))*$/;
        if (!expected.test(statuses)) wrong.push(`${path}, ${raw.name}: ${statuses}`);
      }
    }
    expect(wrong).toEqual(none);
  });
});

const oddSuffixes = [
  '',
  '/',
  '/anything',
  '?',
  '?user_code=x&user_code=y',
  '?user_code=%00',
  '?__proto__=1&constructor=2',
];
const oddBodies = [
  ['application/x-www-form-urlencoded', ''],
  ['application/x-www-form-urlencoded', 'a=b&a=b&user_code=x&xsrf=y&__proto__=1&constructor=2'],
  ['application/json', '{"__proto__":{},"a":'],
  ['\xa0text/\xe9', '\0'],
] as const;
const oddPaths = {
  'authorization server': [
    ...[
      '/',
      '/token',
      '/token/introspection',
      '/token/revocation',
      '/request',
      '/auth',
      '/me',
      '/jwks',
      '/reg',
      '/reg/x',
    ],
    ...['/device', '/device/auth', '/backchannel', '/ciba', '/interaction/x', '/interaction/x/login', '/session/end'],
    ...['/session/end/confirm', '/session/end/success', '/.well-known/openid-configuration', '/%ff', '/a;b', '/x/..'],
  ],
  'sample API': ['/', '/jwt', '/opaque', '/phantom', '/split', '/healthz'],
  'control API': [
    '/',
    '/faults',
    '/faults/x',
    '/clock',
    '/clock/advance',
    '/tokens',
    '/clients/x',
    '/tenants/x',
    '/openapi.json',
  ],
};

test.each(names)(requirement('malformed-input', 'odd paths and bodies: %s'), async (name) => {
  const wrong: string[] = [];
  for (const path of oddPaths[name].flatMap((path) => oddSuffixes.map((suffix) => path + suffix))) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      for (const [type, body] of oddBodies) {
        const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', 'Cookie: _session=x; a'];
        const head = [...lines, `Content-Type: ${type}`, `Content-Length: ${body.length}`, 'Accept: text/html'];
        const statuses = await statusesOf(urls[name], `${head.join('\r\n')}\r\n\r\n${body}`, false);
        if (!/^[234]\d\d$/.test(statuses)) wrong.push(`${method} ${path} ${type}: ${statuses}`);
      }
    }
  }
  expect(wrong).toEqual(none);
});

test(requirement('malformed-input', 'no server logs an error or writes to standard error'), () => {
  expect(
    world.log
      .text()
      .split('\n')
      .filter((line) => /"level":(?:50|60)/.test(line)),
  ).toEqual(none);
  expect([stderr.mock.calls, consoleError.mock.calls]).toEqual([[], []]);
});

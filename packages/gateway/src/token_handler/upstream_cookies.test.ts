import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ListeningServer } from '@tallystick/testing/listen';
import { message, openConnection } from '@tallystick/testing/raw_client';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { startCannedUpstream } from '../testing/servers.ts';

const name = '__Host-app';
const cookies = [
  `${name}=somebody-else; Path=/; Secure`,
  `${name}-session=x; Path=/; Secure`,
  `my${name}=kept`,
  'a=kept',
];
const lines = cookies.map((cookie) => `Set-Cookie: ${cookie}`);
const head = (first: string, ...others: string[]) => `${[first, ...others, ...lines].join('\r\n')}\r\n\r\n`;

let fixture: GatewayFixture;
let upstreams: ListeningServer[];
beforeAll(async () => {
  upstreams = await Promise.all([
    startCannedUpstream(head('HTTP/1.1 200 OK', 'Content-Length: 0')),
    startCannedUpstream(head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket')),
  ]);
  const [plain = '', socket = ''] = upstreams.map(({ origin }) => origin);
  fixture = await startGatewayFixture(() => ({
    routes: [
      {
        ...{ prefix: '/browser', upstream: plain, api: api('browser'), scopes: { '*': [] } },
        tokenCookie: { name, origins: [], csrfHeader: 'x-csrf' },
      },
      { prefix: '/plain', upstream: plain, public: true },
      { prefix: '/socket', upstream: socket, public: true },
    ],
  }));
});
afterAll(async () => {
  await Promise.all([fixture.stop(), ...upstreams.map((upstream) => upstream.stop())]);
});

const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

test.each([
  ['a response', '/plain', ['Connection: close']],
  ['a response instead of a WebSocket', '/plain', upgrade],
  ['the response that opens a WebSocket', '/socket', upgrade],
])('An API cannot sign a user in as another user: the gateway’s cookies are removed from %s', async (_, path, sent) => {
  const client = await openConnection(fixture.port);
  client.socket.write(message([`GET ${path} HTTP/1.1`, 'Host: g', ...sent]));
  const answer = await client.closed();
  expect(answer).toMatch(/^HTTP\/1\.1 (?:200|101)/);
  expect(answer.match(/(?<=set-cookie: ).*(?=\r)/gi)).toEqual(cookies.slice(2));
});

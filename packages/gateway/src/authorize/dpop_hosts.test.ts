import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { message, send, statusOf } from '@tallystick/testing/raw_client';
import { type DPoPFixture, startDPoPFixture, withDPoPFixture } from '../testing/dpop_fixture.ts';
import type { GatewayInput } from '../testing/gateway_config.ts';

const styles = ['jwt', 'phantom', 'split', 'opaque'] as const;
type Style = (typeof styles)[number];

/** Calls the API at `host`, with a proof for `madeFor`. @returns the status, and the number of calls that reached the API */
async function ask(fixture: DPoPFixture, style: Style, { host, madeFor = host }: { host: string; madeFor?: string }) {
  const token = style === 'opaque' ? randomBytes(32).toString('base64url') : await fixture.issue(style);
  const proof = await fixture.prover.proof(`http://${madeFor}/${style}/a`, token);
  const headers = [`Host: ${host}`, `Authorization: DPoP ${token}`, `DPoP: ${proof}`, 'Connection: close'];
  fixture.upstream.seen.length = 0;
  const answer = await send(fixture.port, message([`GET /${style}/a HTTP/1.1`, ...headers]));
  return { status: statusOf(answer), reached: fixture.upstream.seen.length, answer };
}

const passes = { status: 200, reached: 1 };
const refused = { status: 401, reached: 0, answer: expect.stringContaining('"invalid_dpop_proof"') };

describe('A proof for a host that is not a name of the gateway', () => {
  let fixture: DPoPFixture;
  beforeAll(async () => {
    fixture = await startDPoPFixture(() => ({
      hosts: ['api.example.com', '*.apps.example.com', '192.0.2.1', '2001:db8::1'],
    }));
  });
  afterAll(() => fixture.stop());

  const foreign = [
    'evil.example',
    'evil.example:4100',
    'localhost.evil.example',
    'apps.example.com',
    '192.0.2.2',
    '0.0.0.0',
  ];
  test.each(styles.flatMap((style) => foreign.map((host) => [style, host] as const)))(
    '%s: is refused when it is for %s',
    async (style, host) => {
      expect(await ask(fixture, style, { host })).toEqual(refused);
    },
  );

  const own = [
    ...['localhost', 'LOCALHOST.:4100', 'a.localhost:1', '127.0.0.1:4100', '127.1.2.3', '[::1]:4100'],
    ...['api.example.com', 'API.example.com:8443', 'x.apps.example.com', '192.0.2.1', '[2001:DB8::1]:80'],
  ];
  test.each(own)('is accepted when it is for %s, which is a name of the gateway', async (host) => {
    for (const style of styles) expect(await ask(fixture, style, { host })).toMatchObject(passes);
  });

  test('is refused even if Host is a name of the gateway', async () => {
    const made = { host: 'localhost', madeFor: 'evil.example' };
    for (const style of ['jwt', 'phantom', 'split'] as const) expect(await ask(fixture, style, made)).toEqual(refused);
  });
});

test.each<[string, (config: GatewayInput) => Partial<GatewayInput>, string, number, string?]>([
  [
    'the host of a route',
    ({ routes }) => ({ routes: routes.map((route) => ({ ...route, host: 'api.example.com' })) }),
    'api.example.com',
    200,
  ],
  [
    'a host below that of a route',
    ({ routes }) => ({ routes: routes.map((route) => ({ ...route, host: '*.example.com' })) }),
    'b.example.com',
    200,
  ],
  [
    'the public URL, with any Host',
    () => ({ publicUrl: 'http://public.example.com' }),
    'evil.example',
    200,
    'public.example.com',
  ],
  ['the public URL, and no other', () => ({ publicUrl: 'http://public.example.com' }), 'evil.example', 401],
  ['the host that a trusted proxy forwards', () => ({ trustedProxies: ['127.0.0.1'] }), 'api.example.com', 200],
  ['no host that an untrusted proxy forwards', () => ({ trustedProxies: ['192.0.2.1'] }), 'api.example.com', 401],
])('Without a list of hosts, the names of the gateway are: %s', (_, change, host, status, madeFor = host) =>
  withDPoPFixture(change, async (fixture) => {
    expect(await ask(fixture, 'split', { host, madeFor })).toMatchObject({ status });
  }),
);

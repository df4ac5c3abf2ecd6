import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createSigningKey, type SigningKey } from '@tallystick/testing/signing_key';
import { until } from '@tallystick/testing/until';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

const STYLES = ['jwt', 'phantom', 'split'] as const;
const reference = 'r'.repeat(43);

let fixture: GatewayFixture;
let fetches: number;
beforeEach(async () => {
  fixture = await startGatewayFixture();
  fetches = 0;
  fixture.authorizationServer.onJwks = (response) => {
    fetches += 1;
    response.end(JSON.stringify({ keys: fixture.authorizationServer.keys.map(({ jwk }) => jwk) }));
  };
  // Makes sure that the gateway has the keys from before the rotation.
  expect((await fixture.call('/jwt', await fixture.authorizationServer.issue({ aud: api('jwt') }))).status).toBe(200);
  fetches = 0;
});
afterEach(() => fixture.stop());

async function rotate(kid: string): Promise<SigningKey> {
  const key = await createSigningKey(kid);
  fixture.authorizationServer.keys = [key, ...fixture.authorizationServer.keys];
  return key;
}

async function issue(style: (typeof STYLES)[number], key: SigningKey): Promise<string> {
  const { authorizationServer, store } = fixture;
  const jwt = await authorizationServer.issue({ aud: api(style) }, { key });
  if (style === 'jwt') return jwt;
  const signature = jwt.slice(jwt.lastIndexOf('.') + 1);
  if (style === 'split') store.entries.set(signature, jwt.slice(0, jwt.lastIndexOf('.')));
  else authorizationServer.active.set(reference, jwt);
  return style === 'split' ? signature : reference;
}

function tellOfChange(name = 'signing-keys'): void {
  for (const listener of fixture.store.listeners) listener.keptChanged?.(name);
}

test.each(STYLES)(
  'a token is accepted whose key is new since the last fetch, without an event on the feed: %s',
  async (style) => {
    const token = await issue(style, await rotate('key-2'));
    const calls = await Promise.all(Array.from({ length: 20 }, () => fixture.call(`/${style}`, token)));
    expect(calls.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(fetches).toBe(1);
  },
);

test('the feed announces new keys, and the gateway fetches them before the first token', async () => {
  const key = await rotate('key-2');
  tellOfChange('something else');
  tellOfChange();
  await until(() => fixture.gateway.keys.get('https://login.example.com')?.has('key-2') === true);
  expect((await fixture.call('/split', await issue('split', key))).status).toBe(200);
  expect(fetches).toBe(1);
});

test('the keys are fetched again after the feed was down, because a change may have been missed', async () => {
  await rotate('key-2');
  fixture.store.disconnect();
  fixture.store.connect();
  await until(() => fixture.gateway.keys.get('https://login.example.com')?.has('key-2') === true);
});

test('a flood of events on the feed causes few fetches, and does not delay a new key', async () => {
  for (let time = 0; time < 200; time++) {
    tellOfChange();
    await fixture.call('/jwt', 'not.a.token');
  }
  expect(fetches).toBeLessThanOrEqual(4);
  expect((await fixture.call('/jwt', await issue('jwt', await rotate('key-2')))).status).toBe(200);
});

test('a flood of unknown keys gets 401, and causes few fetches', async () => {
  const flood = await Promise.all(
    Array.from({ length: 300 }, async (_, index) => issue('jwt', await createSigningKey(`flood ${index}`))),
  );
  const calls = await Promise.all(flood.map((token) => fixture.call('/jwt', token)));
  expect(new Set(calls.map(({ status }) => status))).toEqual(new Set([401]));
  expect(fetches).toBeLessThanOrEqual(5);
});

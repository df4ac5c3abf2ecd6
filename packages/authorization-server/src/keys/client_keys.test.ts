import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { until } from '@tallystick/testing/until';
import { openTokenStore, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { createAuthorizationServer } from '../create_authorization_server.ts';
import { resourceOf, silent, testConfiguration } from '../testing/test_server.ts';

const server = createServer();
let listening: ListeningServer;
let store: TokenStore;
let change: TokenStore['changeKept'];
let made: number;

beforeEach(async () => {
  store = await openTokenStore(storeConfig());
  change = store.changeKept.bind(store);
  made = 0;
  listening = await listen(server);
  const config = { ...testConfiguration(listening.origin), idTokenSigningAlgorithm: 'RS256' } as const;
  const { handler } = await createAuthorizationServer(config, { store, log: silent });
  server.removeAllListeners('request').on('request', handler);
  store.changeKept = (...args) => {
    made++;
    return change(...args);
  };
});
afterEach(async () => {
  await listening.stop();
  await store.close();
});

async function publishedAlgorithms(): Promise<string[]> {
  const { keys } = (await (await fetch(`${listening.origin}/jwks`)).json()) as { keys: { alg: string; n?: string }[] };
  expect(keys.every(({ n }) => n === undefined || n.length > 300)).toBe(true);
  return keys.map(({ alg }) => alg);
}

function post(path: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  const client = path === '/token' ? 'service:service-secret' : 'gateway:gateway-secret';
  return fetch(listening.origin + path, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { Authorization: `Basic ${btoa(client)}`, ...headers },
  });
}

const serviceToken = { grant_type: 'client_credentials', resource: resourceOf('jwt') };

test('discovery, service tokens and their introspection do not wait for the key of ID tokens', async () => {
  const discovery = await (await fetch(`${listening.origin}/.well-known/openid-configuration`)).json();
  expect(discovery).toMatchObject({ id_token_signing_alg_values_supported: ['ES256', 'RS256'] });
  const { access_token: token } = (await (await post('/token', serviceToken)).json()) as { access_token: string };
  expect((await post('/token/introspection', { token }, { Accept: 'application/jwt' })).status).toBe(200);
  expect(made).toBe(0);
});

/** A busy machine may take longer to make the key than a request for the JWKS waits. */
const untilAllArePublished = () => until(async () => (await publishedAlgorithms()).join() === 'ES256,RS256');

test('concurrent requests for the JWKS make one key, and get the keys that exist if it takes long', async () => {
  const published = await Promise.all(Array.from({ length: 5 }, publishedAlgorithms));
  for (const algorithms of published) expect(['ES256', 'ES256,RS256']).toContain(algorithms.join());
  await untilAllArePublished();
  expect(made).toBe(1);
});

test('without the store, the JWKS has the keys that exist, and the next request with the store makes the other', async () => {
  store.changeKept = async () => {
    throw new StoreUnavailableError('no');
  };
  expect(await publishedAlgorithms()).toEqual(['ES256']);
  store.changeKept = change;
  await untilAllArePublished();
});

import { createServer, type RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { onTestFinished, startForTest } from '@tallystick/testing/on_test_finished';
import { openTokenStore, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { type AuthorizationServer, createAuthorizationServer } from '../create_authorization_server.ts';
import { resourceOf, silent, testClient, testConfiguration } from '../testing/test_server.ts';

const ACCEPTS = ['application/json', 'application/jwt', 'application/token-introspection+jwt'] as const;
const APP = testClient({ id: 'app', secret: 'app-secret', grants: ['client_credentials'] });
const BOB = { id: 'bob', claims: {} };
const REFERENCES = ['opaque', 'phantom', 'split'] as const;

let store: TokenStore;
let issuer: string;
let answerWith: (handler: RequestListener) => void;

beforeEach(async () => {
  store = await openTokenStore(storeConfig());
  onTestFinished(() => store.close());
  const server = createServer();
  ({ origin: issuer } = await startForTest(listen(server)));
  answerWith = (handler) => void server.removeAllListeners('request').on('request', handler);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Starts a server on the store, which handles requests from now on. */
async function start(change: (config: AuthorizationServerConfig) => Partial<AuthorizationServerConfig> = () => ({})) {
  const usual = testConfiguration(issuer);
  const made = await createAuthorizationServer({ ...usual, ...change(usual) }, { store, log: silent });
  answerWith(made.handler);
  return made;
}

const withBoth = ({ clients, users }: AuthorizationServerConfig) => ({
  clients: [...clients, APP],
  users: [...users, BOB],
});

async function introspect(token: string, accept: string) {
  const answer = await fetch(`${issuer}/token/introspection`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('gateway:gateway-secret')}`, Accept: accept },
    body: new URLSearchParams({ token }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** Expects an inactive token in every response format. */
async function expectInactive(token: string) {
  const [json, jwt, signed] = await Promise.all(ACCEPTS.map((accept) => introspect(token, accept)));
  expect(json).toEqual({ status: 200, text: '{"active":false}' });
  expect(jwt).toEqual({ status: 204, text: '' });
  const [, payload = ''] = signed?.text.split('.') ?? [];
  expect([signed?.status, JSON.parse(Buffer.from(payload, 'base64url').toString()).token_introspection]).toEqual([
    200,
    { active: false },
  ]);
}

async function isActive(token: string): Promise<boolean> {
  return JSON.parse((await introspect(token, 'application/json')).text).active;
}

/** A token of the client, and one of the user, by another client. */
async function issueBoth(server: AuthorizationServer, style: string) {
  const api = resourceOf(style);
  const [ofClient, ofUser, ofOthers] = await Promise.all([
    server.issueToken({ client: 'app', api }),
    server.issueToken({ client: 'service', user: 'bob', api }),
    server.issueToken({ client: 'service', user: 'alice', api }),
  ]);
  return { ofClient: ofClient.accessToken, ofUser: ofUser.accessToken, ofOthers: ofOthers.accessToken };
}

describe.each(REFERENCES)('a removed client or user: %s', (style) => {
  test('is revoked when the configuration is replaced', async () => {
    const server = await start(withBoth);
    const { ofClient, ofUser, ofOthers } = await issueBoth(server, style);
    await server.configuration.replace(testConfiguration(issuer));
    await expectInactive(ofClient);
    await expectInactive(ofUser);
    expect(await isActive(ofOthers)).toBe(true);
    await server.configuration.replace({ ...testConfiguration(issuer), ...withBoth(testConfiguration(issuer)) });
    await expectInactive(ofClient);
    await expectInactive(ofUser);
    const again = await issueBoth(server, style);
    expect([await isActive(again.ofClient), await isActive(again.ofUser)]).toEqual([true, true]);
  });

  test('is revoked when a server starts without it, and stays revoked when one starts with it', async () => {
    const { ofClient, ofUser, ofOthers } = await issueBoth(await start(withBoth), style);
    await start();
    await expectInactive(ofClient);
    await expectInactive(ofUser);
    for (const token of [ofClient, ofUser]) expect(await store.splitEntries.find(token)).toBeUndefined();
    await start(withBoth);
    await expectInactive(ofClient);
    await expectInactive(ofUser);
    expect(await isActive(ofOthers)).toBe(true);
  });

  test('is inactive at a server without it, also if other servers still issue its tokens', async () => {
    const other = await start(withBoth);
    await start();
    const { ofClient, ofUser, ofOthers } = await issueBoth(other, style);
    await expectInactive(ofClient);
    await expectInactive(ofUser);
    expect(await isActive(ofOthers)).toBe(true);
    await start(); // The last server of a rolling change.
    for (const token of [ofClient, ofUser]) expect(await store.splitEntries.find(token)).toBeUndefined();
    expect(await isActive(ofOthers)).toBe(true);
  });
});

test('a client keeps its tokens when its secret changes', async () => {
  const server = await start(withBoth);
  const { ofClient } = await issueBoth(server, 'phantom');
  const usual = testConfiguration(issuer);
  await server.configuration.replace({ ...usual, clients: [...usual.clients, { ...APP, secret: 'another' }] });
  expect(await isActive(ofClient)).toBe(true);
  await start((config) => ({ clients: [...config.clients, { ...APP, secret: 'a third' }] }));
  expect(await isActive(ofClient)).toBe(true);
});

test('a removal fails while the store is unavailable, and succeeds afterwards', async () => {
  const server = await start(withBoth);
  const { ofClient } = await issueBoth(server, 'phantom');
  jest.spyOn(store, 'revokeOwner').mockRejectedValueOnce(new StoreUnavailableError('down'));
  const without = testConfiguration(issuer);
  await expect(server.configuration.replace(without)).rejects.toThrow(StoreUnavailableError);
  expect(server.configuration.current().clients).toContainEqual(APP);
  expect(await isActive(ofClient)).toBe(true);
  await server.configuration.replace(without);
  await expectInactive(ofClient);
});

test('a token in the making is not issued if its client is removed', async () => {
  const server = await start(withBoth);
  const { records } = store;
  let removed: Promise<void> | undefined;
  jest.spyOn(store, 'records').mockImplementation((...which) => ({
    ...records(...which),
    async upsert(...of) {
      removed ??= server.configuration.replace(testConfiguration(issuer));
      await removed;
      return records(...which).upsert(...of);
    },
  }));
  const again = await start(withBoth); // Uses the spied-on store.
  await expect(again.issueToken({ client: 'app', api: resourceOf('split') })).rejects.toMatchObject({
    error: 'invalid_grant',
  });
});

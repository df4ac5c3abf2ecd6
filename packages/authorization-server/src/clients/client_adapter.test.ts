import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { openTokenStore, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { SECRET, testConfiguration } from '../testing/test_server.ts';
import { createClientAdapter } from './client_adapter.ts';
import { createRegistrations, type Registrations } from './registrations.ts';

let store: TokenStore;
let clients: Registrations['clients'];
let registrations: Registrations;

beforeEach(async () => {
  store = await openTokenStore(storeConfig());
  const config = testConfiguration('http://localhost:4000');
  registrations = createRegistrations(config, { store, requestedAt: () => undefined });
  clients = createClientAdapter(config, { registered: registrations.clients, store });
});
afterEach(() => store.close());

test('a registered client is found, changed and destroyed by its id', async () => {
  await clients.upsert('app', { client_id: 'app', client_secret: 'first' }, 60);
  await clients.upsert('app', { client_id: 'app', client_secret: 'second' }, 60);
  expect(await clients.find('app')).toMatchObject({ client_id: 'app', client_secret: 'second' });
  await clients.destroy('app');
  expect(await clients.find('app')).toBeUndefined();
});

test('the store and the client_id are not enough to open the record of a client', async () => {
  await clients.upsert('app', { client_id: 'app', client_secret: 'secret' }, 60);
  expect(await store.records('Client', 'a guess').find('app')).toBeUndefined();
});

test('a registration cannot replace a configured client', async () => {
  await clients.upsert('service', { client_id: 'service', client_secret: 'another' }, 60);
  expect(await clients.find('service')).toMatchObject({ client_secret: 'service-secret' });
});

test('deleting a client revokes its tokens; if the store fails, the client stays and can repeat the request', async () => {
  await clients.upsert('app', { client_id: 'app' }, 60);
  await store.records('AccessToken', SECRET).upsert('token', { clientId: 'app' }, 60);
  await registrations.accessTokens.upsert('app.registration', { clientId: 'app' }, 60);
  const revoking = jest.spyOn(store, 'revokeOwner').mockRejectedValueOnce(new StoreUnavailableError('down'));
  await expect(clients.destroy('app')).rejects.toMatchObject({ statusCode: 503 });
  expect(await clients.find('app')).toBeDefined();
  expect(await registrations.accessTokens.find('app.registration')).toMatchObject({ clientId: 'app' });
  await clients.destroy('app');
  expect(revoking).toHaveBeenCalledTimes(2);
  expect(await clients.find('app')).toBeUndefined();
  expect(await store.records('AccessToken', SECRET).find('token')).toBeUndefined();
});

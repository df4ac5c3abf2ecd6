import { expect, test } from '@jest/globals';
import { openTokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import pino from 'pino';
import { loadConfig } from '../config/load_config.ts';
import { createClock } from '../harness/clock/create_clock.ts';
import { runAuthorizationServer } from './authorization_server.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;
const app = { port: 0, stop: async () => {}, answerWith() {} };

test('refuses a change of an API that another role of the process cannot serve, and changes nothing', async () => {
  const store = await openTokenStore(storeConfig());
  const { harness, release } = await runAuthorizationServer(await loadConfig(DEMO), app, {
    store,
    log: pino({ level: 'silent' }),
    clock: createClock({ movable: true }),
    intercepted: false,
    apisChanged: async () => {
      throw new TypeError('it cannot be served');
    },
  });
  const before = harness.apis.list();
  const put = harness.apis.put({ resource: 'https://api.example.com/jwt', accessTokens: 'split', scopes: ['read'] });
  await expect(put).rejects.toMatchObject({ code: 'invalid_request', message: 'it cannot be served' });
  expect(harness.apis.list()).toEqual(before);
  const issued = await harness.token({ client: 'demo-service', api: 'https://api.example.com/jwt' });
  expect(issued.accessToken.split('.').length).toBe(3);
  release();
  await store.close();
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, expect, jest, test } from '@jest/globals';
import { resourceOf, startTestServer } from '../testing/test_server.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a change of keys or configuration creates no further AsyncLocalStorage', async () => {
  const storages = new Set<unknown>();
  const run = AsyncLocalStorage.prototype.run;
  jest.spyOn(AsyncLocalStorage.prototype, 'run').mockImplementation(function (this: unknown, ...given) {
    storages.add(this);
    return Reflect.apply(run, this, given);
  });
  const server = await startTestServer();
  const issue = () =>
    fetch(`${server.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa('service:service-secret')}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: resourceOf('split'),
        scope: 'read',
      }),
    });
  try {
    expect((await issue()).status).toBe(200);
    const before = storages.size;
    expect(before).toBeGreaterThan(0);
    for (let change = 0; change < 5; change += 1) {
      await server.keys.rotate({ announceFor: 0 });
      await server.configuration.replace(server.configuration.current());
      expect((await issue()).status).toBe(200);
    }
    expect(storages.size).toBe(before);
  } finally {
    await server.stop();
  }
});

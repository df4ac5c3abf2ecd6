import { expect, test } from '@jest/globals';
import { openTokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { createRecordAdapter } from './record_adapter.ts';
import { createUnitsOfWork } from './unit_of_work.ts';

test('only one of many concurrent uses of a proof or assertion succeeds', async () => {
  const store = await openTokenStore(storeConfig());
  const seen = createRecordAdapter({
    secret: 'secret',
    store,
    units: createUnitsOfWork(),
    isWithinGrace: () => false,
    caller: () => ({ isConfiguredClient: false }),
    anonymousSession: 60,
    requestedAt: () => undefined,
  })('ReplayDetection');
  const uses = await Promise.allSettled(Array.from({ length: 10 }, () => seen.upsert('proof', {}, 60)));
  expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await expect(seen.upsert('proof', {}, 60)).rejects.toMatchObject({ error: 'invalid_request', status: 400 });
  await store.close();
});

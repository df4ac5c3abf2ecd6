import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from '@jest/globals';
import { loadConfig } from '../config/load_config.ts';
import { type Collections, createCollections } from './collections.ts';
import { InputError } from './input_error.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;
const client = (id: string) => ({ id, secret: `${id}-secret` });
const ids = ['a', 'b', 'c', 'd'];

let used: string[];
let refuse: string | undefined;
let collections: Collections;
beforeEach(async () => {
  used = [];
  refuse = undefined;
  const config = await loadConfig(DEMO);
  collections = createCollections(
    { ...config, routes: config.gateway.routes },
    {
      check: () => undefined,
      async replace({ clients }) {
        await setImmediate(); // Lets other changes start.
        if (clients.some(({ id }) => id === refuse)) throw new InputError('metadata', 'no');
        used = clients.map(({ id }) => id);
      },
    },
  );
});

const known = () => collections.clients.list().map(({ id }) => id);

test('makes all of several concurrent changes', async () => {
  await Promise.all(ids.map((id) => collections.clients.put(client(id))));
  expect(known()).toEqual(expect.arrayContaining(ids));
  expect(used).toEqual(known());
  await Promise.all(ids.map((id) => collections.clients.remove(id)));
  expect(known().filter((id) => ids.includes(id))).toEqual([]);
});

test('a refused change changes nothing, and the next one is made', async () => {
  refuse = 'b';
  const outcomes = await Promise.allSettled(ids.map((id) => collections.clients.put(client(id))));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(known()).toEqual(expect.arrayContaining(['a', 'c', 'd']));
  expect(known()).not.toContain('b');
  expect(used).toEqual(known());
});

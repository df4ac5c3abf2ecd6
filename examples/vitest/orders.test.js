import { startTallystick } from 'tallystick';
import { test as base, expect } from 'vitest';
import { app } from './app.js';

// One Tallystick for each test file; files run in parallel.
const test = base.extend({
  tally: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest needs a pattern.
    async ({}, use) => {
      const tally = await startTallystick({
        log: { level: 'silent' },
        apis: [{ resource: 'https://orders.example', accessTokens: 'phantom', scopes: ['read'], upstream: app }],
      });
      await use(tally);
      await tally.stop();
    },
    { scope: 'file' },
  ],
});

test.for([
  { user: 'alice', claims: { role: 'admin' }, all: true },
  { user: 'bob', claims: {}, all: false },
])('$user sees all orders: $all', async ({ user, claims, all }, { tally }) => {
  const answer = await tally.fetch('/orders', { as: user, claims });
  expect(await answer.json()).toEqual({ owner: user, all });
});

test('a revoked token is refused', async ({ tally }) => {
  const token = await tally.token({ user: 'alice' });
  expect((await tally.fetch('/orders', { token })).status).toBe(200);
  await tally.revoke(token);
  expect((await tally.fetch('/orders', { token })).status).toBe(401);
});

test('the caller gets 503 while the authorization server is down', async ({ tally }) => {
  const token = await tally.token({ user: 'alice' });
  tally.faults.add({ endpoint: 'introspection', status: 503 });
  expect((await tally.fetch('/orders', { token })).status).toBe(503);
  tally.faults.clear();
  expect((await tally.fetch('/orders', { token })).status).toBe(200);
});

import express from 'express';
import { startTallystick } from 'tallystick';
import { expect, test } from 'vitest';

// The timeout is for a busy machine.
test('the orders API gets a JWT for alice', { timeout: 60_000 }, async () => {
  const app = express().get('/orders', (request, response) =>
    response.json({ authorization: request.headers.authorization }),
  );
  const tally = await startTallystick({
    apis: [{ resource: 'https://orders.example', accessTokens: 'split', scopes: ['read'], upstream: app }],
  });
  const answer = await tally.fetch('/orders', { as: 'alice', scopes: ['read'] });
  expect((await answer.json()).authorization.split('.')).toHaveLength(3);
  await tally.stop();
});

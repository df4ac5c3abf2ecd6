import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTallystick } from 'tallystick';

test('the orders API gets a JWT for alice', async () => {
  const tally = await startTallystick({
    apis: [
      {
        resource: 'https://orders.example',
        accessTokens: 'split',
        scopes: ['read'],
        upstream: ({ headers }, response) => response.end(JSON.stringify({ authorization: headers.authorization })),
      },
    ],
  });
  const answer = await tally.fetch('/orders', { as: 'alice', scopes: ['read'] });
  assert.equal((await answer.json()).authorization.split('.').length, 3);
  await tally.stop();
});

const { startTallystick } = require('tallystick');
const express = require('express');

jest.setTimeout(60_000); // For a busy machine.

test('the orders API gets a JWT for alice', async () => {
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

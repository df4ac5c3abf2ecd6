const assert = require('node:assert/strict');
const express = require('express');
const { startTallystick } = require('tallystick');

it('the orders API gets a JWT for alice', async function () {
  this.timeout(60_000); // For a busy machine.
  const app = express().get('/orders', (request, response) =>
    response.json({ authorization: request.headers.authorization }),
  );
  const tally = await startTallystick({
    apis: [{ resource: 'https://orders.example', accessTokens: 'split', scopes: ['read'], upstream: app }],
  });
  const answer = await tally.fetch('/orders', { as: 'alice', scopes: ['read'] });
  assert.equal((await answer.json()).authorization.split('.').length, 3);
  await tally.stop();
});

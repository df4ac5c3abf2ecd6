import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, test } from 'node:test';
import express from 'express';
import { startTallystick } from 'tallystick';
import { createShop } from './shop.js';

const resource = 'https://orders.example';
let tally;
let server;
let shop;
before(async () => {
  tally = await startTallystick({
    log: { level: 'silent' },
    clients: [{ id: 'shop', secret: 'shop-secret', grants: ['client_credentials'] }],
    // A stand-in for the orders API. The shop is what the test is about.
    apis: [
      { resource, scopes: ['read'], upstream: express().get('/orders', (_request, response) => response.json([7])) },
    ],
  });
  server = createShop({
    tokenUrl: `${tally.issuer}/token`,
    clientId: 'shop',
    clientSecret: 'shop-secret',
    resource,
    ordersUrl: `${tally.gatewayUrl}/orders`,
  }).listen(0);
  await once(server, 'listening');
  shop = `http://localhost:${server.address().port}/shop`;
});
afterEach(() => tally.reset());
after(async () => {
  server.close();
  await tally.stop();
});

test('the shop shows the orders', async () => {
  assert.deepEqual(await (await fetch(shop)).json(), [7]);
  const [request] = tally.requests.list({ endpoint: 'token' });
  assert.equal(request.form.resource, resource);
});

test('the shop says so when it gets no token', async () => {
  tally.faults.add({ endpoint: 'token', status: 503 });
  assert.equal((await fetch(shop)).status, 502);
});

test('the shop says so when its secret is no longer valid', async () => {
  await tally.clients.put({ id: 'shop', secret: 'another-secret', grants: ['client_credentials'] });
  assert.equal((await fetch(shop)).status, 502);
});

import { once } from 'node:events';
import { test as base, expect } from '@playwright/test';
import { startTallystick } from 'tallystick';
import { orders } from './orders.js';
import { createWebApp } from './web_app.js';

const resource = 'https://orders.example';
const client = {
  id: 'web',
  secret: 'web-secret',
  grants: ['authorization_code'],
  applicationType: 'native', // Any port of this machine.
  redirectUris: ['http://localhost/callback'],
};

const test = base.extend({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright needs a pattern.
  tally: async ({}, use) => {
    const tally = await startTallystick({
      log: { level: 'silent' },
      apis: [{ resource, scopes: ['read'], upstream: orders }],
      clients: [client],
    });
    await use(tally);
    await tally.stop();
  },
  baseURL: async ({ tally }, use) => {
    const { issuer, gatewayUrl } = tally;
    const { id: clientId, secret: clientSecret } = client;
    const app = await createWebApp({ issuer, clientId, clientSecret, resource, ordersUrl: `${gatewayUrl}/orders` });
    const server = app.listen(0);
    await once(server, 'listening');
    await use(`http://localhost:${server.address().port}`);
    server.closeAllConnections();
    server.close();
  },
});

test('alice signs in at the login page', async ({ page }) => {
  await page.goto('/');
  await page.getByText('Sign in').click();
  await page.getByRole('button', { name: 'Alice' }).click();
  await page.getByRole('button', { name: /allow/i }).click();
  await expect(page.getByText('Orders of alice')).toBeVisible();
});

test('alice sees that there are no orders while the API fails', async ({ page, tally }) => {
  await tally.clients.put({ ...client, automaticLogin: { user: 'alice' } }); // No login page.
  tally.faults.add({ at: 'upstream', status: 500 });
  await page.goto('/login');
  await expect(page.getByText('No orders today')).toBeVisible();
});

test.describe('with the session of bob, who never saw a login page', () => {
  test.use({
    storageState: async ({ playwright, tally, baseURL }, use) => {
      await tally.clients.put({ ...client, automaticLogin: { user: 'bob' } });
      const request = await playwright.request.newContext({ baseURL });
      await request.get('/login'); // Follows the redirects, there and back.
      await use(await request.storageState());
      await request.dispose();
    },
  });

  test('bob sees his orders', async ({ page }) => {
    await page.goto('/');
    await expect(page.getByText('Orders of bob')).toBeVisible();
  });
});

import { test as base, expect } from '@playwright/test';
import { startTallystick } from 'tallystick';
import { orders } from './orders.js';
import { createSpa } from './spa.js';

const resource = 'https://orders.example';
const clientId = 'spa';

const test = base.extend({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright needs a pattern.
  tally: async ({}, use) => {
    const tally = await startTallystick({
      log: { level: 'silent' },
      apis: [{ resource, scopes: ['read'], upstream: orders }],
      clients: [
        {
          id: clientId,
          grants: ['authorization_code'],
          applicationType: 'native', // Any port of this machine.
          redirectUris: ['http://localhost/'],
        },
      ],
      gateway: { routes: [{ prefix: '/orders', api: resource, scopes: { GET: ['read'] } }] },
    });
    const spa = createSpa({ issuer: tally.issuer, clientId, resource });
    await tally.routes.put({ prefix: '/', public: true, upstream: spa });
    await use(tally);
    await tally.stop();
  },
  baseURL: ({ tally }, use) => use(tally.gatewayUrl),
});

test('alice signs in at the login page', async ({ page }) => {
  await page.goto('/');
  await page.getByText('Sign in').click();
  await page.getByRole('button', { name: 'Alice' }).click();
  await page.getByRole('button', { name: /allow/i }).click();
  await expect(page.getByText('Orders of alice')).toBeVisible();
});

test.describe('with the tokens of bob, who never saw a login page', () => {
  test.use({
    storageState: async ({ tally, baseURL }, use) => {
      const { accessToken, idToken } = await tally.signIn({ user: 'bob', redirectUri: `${baseURL}/` });
      const profile = JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url'));
      const user = JSON.stringify({ access_token: accessToken, token_type: 'Bearer', profile });
      const localStorage = [{ name: `oidc.user:${tally.issuer}:${clientId}`, value: user }];
      await use({ cookies: [], origins: [{ origin: baseURL, localStorage }] });
    },
  });

  test('bob sees his orders', async ({ page }) => {
    await page.goto('/');
    await expect(page.getByText('Orders of bob')).toBeVisible();
  });

  test('bob sees that there are no orders with a revoked token', async ({ page, tally, storageState }) => {
    const [{ value }] = storageState.origins[0].localStorage;
    await tally.revoke(JSON.parse(value).access_token);
    await page.goto('/');
    await expect(page.getByText('No orders today')).toBeVisible();
  });
});

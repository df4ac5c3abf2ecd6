import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTallystick } from 'tallystick';
import { backend, pages } from './bff.js';

const resource = 'https://orders.example';
const csrf = { 'X-CSRF': '1' };
let tally;
before(async () => {
  tally = await startTallystick({
    log: { level: 'silent' },
    apis: [{ resource, accessTokens: 'phantom', scopes: ['read'], upstream: backend }],
    clients: [
      {
        id: 'app',
        grants: ['authorization_code', 'refresh_token'],
        applicationType: 'native', // Any port of this machine.
        redirectUris: ['http://localhost/oauth-agent/callback'],
        postLogoutRedirectUris: ['http://localhost/app'],
        automaticLogin: { user: 'alice' },
      },
    ],
    gateway: {
      tokenHandlers: [{ client: { id: 'app' }, api: resource, scopes: ['read'], application: '/app' }],
      routes: [
        { prefix: '/bff', api: resource, tokenCookie: { name: '__Host-tallystick' } },
        { prefix: '/app', public: true, upstream: pages },
      ],
    },
  });
});
after(() => tally.stop());

/** A browser of a few lines: it keeps cookies and follows redirects. */
function openBrowser() {
  const cookies = new Map();
  return async function visit(url, init = {}) {
    const target = new URL(url, tally.gatewayUrl);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(target, { redirect: 'manual', ...init, headers: { ...init.headers, cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    return location === null ? answer : visit(new URL(location, target));
  };
}

test('the page calls its backend for alice, and holds no token', async () => {
  const visit = openBrowser();
  const page = await visit('/oauth-agent/login?return_to=/app');
  assert.match(await page.text(), /<title>Orders<\/title>/);
  const answer = await visit('/bff/orders', { headers: csrf });
  assert.deepEqual(await answer.json(), { owner: 'alice' });
});

test('nobody is signed in at first', async () => {
  const visit = openBrowser();
  assert.equal((await visit('/oauth-agent/session', { headers: csrf })).status, 401);
  assert.equal((await visit('/bff/orders', { headers: csrf })).status, 401);
});

test('a page of another site cannot use the cookies', async () => {
  const visit = openBrowser();
  await visit('/oauth-agent/login');
  const answer = await visit('/bff/orders', { headers: { 'Sec-Fetch-Site': 'cross-site' } });
  assert.equal(answer.status, 403);
});

test('after the logout the backend refuses the browser', async () => {
  const visit = openBrowser();
  await visit('/oauth-agent/login');
  await visit('/oauth-agent/logout', { method: 'POST', headers: csrf });
  assert.equal((await visit('/bff/orders', { headers: csrf })).status, 401);
});

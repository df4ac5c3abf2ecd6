import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ListeningServer } from '@tallystick/testing/listen';
import type { Page } from 'playwright-core';
import { requirement } from '../requirements/index.ts';
import { chromiumIsThere, type RunningBrowser, startBrowser } from '../support/clients/browser.ts';
import { startTokenHandlerWorld } from '../support/clients/token_handler.ts';
import { servePage } from '../support/peers/page_server.ts';

/** The application. It knows only its session, and shows the answer of the API. */
const APPLICATION = `
const headers = { 'X-CSRF': '1' };
const say = (text) => { document.querySelector('output').textContent = text; };
const session = await fetch('/oauth-agent/session', { headers });
if (session.status === 401) say('nobody');
else {
  const { claims } = await session.json();
  const answer = await fetch('/phantom/hello', { headers });
  say(claims.email + ' ' + answer.status);
}
document.querySelector('#in').onclick = () => location.assign('/oauth-agent/login?return_to=/app/here');
document.querySelector('#out').onclick = async () => {
  const answer = await fetch('/oauth-agent/logout', { method: 'POST', headers });
  location.assign((await answer.json()).logout_url);
};`;
const BUTTONS = '<output></output><button id="in">Sign in</button><button id="out">Sign out</button>';

(chromiumIsThere ? describe : describe.skip)('an application in a real browser', () => {
  let running: Awaited<ReturnType<typeof startTokenHandlerWorld>>;
  let application: ListeningServer;
  let browser: RunningBrowser;
  let page: Page;
  beforeAll(async () => {
    application = await servePage(APPLICATION, BUTTONS);
    running = await startTokenHandlerWorld('phantom', {
      prefix: '/app',
      public: true,
      upstream: `http://localhost:${application.port}`,
    });
    browser = await startBrowser();
    page = await browser.context.newPage();
    await page.goto(`${running.gateway}/app`);
    await page.getByText('nobody').waitFor();
    await page.getByText('Sign in').click();
    await page.getByRole('button', { name: 'Alice' }).click();
    await page.getByRole('button', { name: /allow|continue|consent/i }).click();
    await page.getByText('alice@example.com 200').waitFor();
  });
  afterAll(async () => {
    await browser.stop();
    await running.world.stop();
    await application.stop();
  });

  test(requirement('token-handler', 'in Chromium'), async () => {
    expect(page.url()).toBe(`${running.gateway}/app/here`);
    const within = 'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])';
    expect(await page.evaluate(within)).toBe('["",{},{}]');
    const kept = await browser.context.cookies(running.gateway);
    const ours = kept.filter(({ name }) => name.startsWith('__Host-tallystick'));
    expect(ours.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite]).sort()).toEqual([
      ['__Host-tallystick', true, true, 'Strict'],
      ['__Host-tallystick-session', true, true, 'Strict'],
    ]);
  });

  test(requirement('token-handler-csrf', 'a page of another site, in Chromium'), async () => {
    // `localhost` and `127.0.0.1`, where the gateway is, are different sites.
    const attack = await servePage(`
      const gateway = '${running.gateway}';
      const outcome = async (answer) => answer.then(({ status, type }) => type + ' ' + status, () => 'blocked');
      const results = [
        await outcome(fetch(gateway + '/phantom/hello', { credentials: 'include', headers: { 'X-CSRF': '1' } })),
        await outcome(fetch(gateway + '/phantom/hello', { credentials: 'include', mode: 'no-cors' })),
        await outcome(fetch(gateway + '/oauth-agent/session', { credentials: 'include', headers: { 'X-CSRF': '1' } })),
        await outcome(fetch(gateway + '/oauth-agent/logout', { method: 'POST', credentials: 'include', mode: 'no-cors' })),
      ];
      document.body.textContent = JSON.stringify(results);`);
    const attacker = await browser.context.newPage();
    await attacker.goto(`http://localhost:${attack.port}/`);
    await attacker.getByText('blocked').waitFor();
    expect(JSON.parse(String(await attacker.textContent('body')))).toEqual([
      'blocked',
      'opaque 0',
      'blocked',
      'opaque 0',
    ]);
    await attacker.close();
    await attack.stop();
    await page.reload();
    await page.getByText('alice@example.com 200').waitFor(); // Still signed in.
  });

  test(requirement('token-handler-logout', 'in Chromium'), async () => {
    await page.getByText('Sign out').click();
    await page.waitForURL(/session\/end/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/app/);
    await page.getByText('nobody').waitFor();
  });
});

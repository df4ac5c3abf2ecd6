import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { requirement } from '../requirements/index.ts';
import { chromiumIsThere, type RunningBrowser, startBrowser } from '../support/clients/browser.ts';
import { type Program, startProgram } from '../support/peers/program.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type Style } from '../support/worlds/world.ts';

const PAGES = { 'oidc-client-ts': 'oidc_client_ts.page.js', 'react-oidc-context': 'react_oidc_context.page.jsx' };

(chromiumIsThere ? describe.each(Object.entries(PAGES)) : describe.skip.each([['no Chromium', '']]))(
  '%s',
  (_, script) => {
    let program: Program;
    let world: OneProcess;
    let browser: RunningBrowser;
    let page: Page;
    let origin: string;

    beforeAll(async () => {
      program = await startProgram('page', async (_folder, port) => ({
        command: process.execPath,
        args: [fileURLToPath(new URL('applications/serve_page.mjs', import.meta.url)), `./${script}`],
        environment: { PORT: String(port) },
        stopWith: 'SIGTERM',
      }));
      origin = program.url.replace('127.0.0.1', 'localhost');
      const entry = { redirectUris: [`${origin}/`], postLogoutRedirectUris: [`${origin}/`] };
      world = await startOneProcess((config) => ({
        ...config,
        gateway: { ...config.gateway, cors: { origins: [origin] } },
        clients: [
          ...config.clients,
          { id: 'page', grants: ['authorization_code'], ...entry },
          { id: 'page-that-refreshes', grants: ['authorization_code', 'refresh_token'], ...entry },
        ],
      }));
      browser = await startBrowser();
    });
    afterAll(async () => {
      await browser?.stop();
      await world?.stop();
      await program?.stop();
    });

    const says = (text: string | RegExp) => page.locator('main').getByText(text).waitFor();
    const click = (name: string) => page.locator('main').getByRole('button', { name }).click();

    /** The user signs in with a browser that knows nothing yet. */
    async function logIn(style: Style, client = 'page') {
      await page?.close();
      await browser.context.clearCookies();
      page = await browser.context.newPage();
      await page.goto(origin);
      const api = `${world.gateways[0]}/${style}/hello`;
      const settings = { authority: world.issuer, client_id: client, resource: resourceOf(style), api };
      await page.evaluate(`sessionStorage.clear(); localStorage.setItem('settings', '${JSON.stringify(settings)}')`);
      await page.reload();
      await says('Hello nobody');
      await click('Log in');
      await page.getByRole('button', { name: 'Alice' }).click();
      await page.getByRole('button', { name: /allow|continue|consent/i }).click();
      await says('Hello alice, alice@example.com');
    }

    test.each(STYLES)(requirement('real-clients', 'in Chromium: signs in, reads userinfo, calls %s'), async (style) => {
      await logIn(style);
      await click('Call');
      await says('Answer 200');
    });

    test(requirement('real-clients', 'in Chromium: renews in an iframe with prompt=none'), async () => {
      await logIn('phantom');
      const silent = page.waitForRequest((request) => request.url().includes('prompt=none'));
      await click('Renew');
      expect((await silent).frame().parentFrame()).not.toBeNull();
      await says('Renewed');
      await click('Call');
      await says('Answer 200');
    });

    test(requirement('real-clients', 'in Chromium: renews with a refresh token'), async () => {
      await logIn('split', 'page-that-refreshes');
      const refresh = page.waitForRequest(
        (request) => request.postData()?.includes('grant_type=refresh_token') === true,
      );
      await click('Renew');
      await refresh;
      await says('Renewed');
      await click('Call');
      await says('Answer 200');
    });

    test(requirement('real-clients', 'in Chromium: revokes its tokens and signs out'), async () => {
      await logIn('phantom', 'page-that-refreshes');
      const call = page.waitForRequest((request) => request.headers().authorization !== undefined);
      await click('Call');
      const { authorization = '' } = (await call).headers();
      await click('Log out');
      await page
        .getByRole('button', { name: /sign out|log out|yes/i })
        .first()
        .click();
      await page.waitForURL(`${origin}/**`);
      await says('Hello nobody');
      const headers = { Authorization: authorization };
      expect((await fetch(`${world.gateways[0]}/phantom/hello`, { headers })).status).toBe(401);
      await click('Log in');
      await page.getByRole('button', { name: 'Alice' }).waitFor();
    });
  },
);

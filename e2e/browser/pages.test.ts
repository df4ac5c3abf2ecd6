import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { requirement } from '../requirements/index.ts';
import { chromiumIsThere, type RunningBrowser, startBrowser } from '../support/clients/browser.ts';
import { accessibilityProblems, faintBorders, overflow, tabOrder } from '../support/clients/page_checks.ts';
import { authorizationUrl, CALLBACK, SHOWN_PAGES } from '../support/clients/shown_pages.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';

const WIDTHS = [1280, 320];
const SCHEMES = ['light', 'dark'] as const;
const MANY = Array.from({ length: 12 }, (_, index) => ({
  id: `user-${index}`,
  claims: { name: `Name ${index}`, email: `mail-${index}@example.com` },
}));

(chromiumIsThere ? describe : describe.skip)('the pages in Chromium', () => {
  let world: OneProcess;
  let crowd: OneProcess;
  let browser: RunningBrowser;
  let page: Page;
  /** Messages on the console and requests to other servers. */
  let complaints: string[];

  beforeAll(async () => {
    world = await startOneProcess();
    crowd = await startOneProcess((config) => ({ ...config, users: [...config.users, ...MANY] }));
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.stop();
    await crowd?.stop();
    await world?.stop();
  });
  beforeEach(async () => {
    await browser.context.clearCookies();
    page = await browser.context.newPage();
    complaints = [];
    const origins = [world, crowd].map(({ issuer }) => new URL(issuer).origin);
    page.on('console', (message) => {
      // The browser reports the status of an error page.
      if (!/status of 4\d\d/.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => void complaints.push(String(error)));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith('data:') && !origins.includes(new URL(url).origin)) complaints.push(url);
      if (url.endsWith('/favicon.ico')) complaints.push(url);
    });
  });
  afterEach(() => page.close());

  /** What is wrong with the page that is open, at each width and in each colour scheme. */
  async function findProblems(): Promise<string[]> {
    const problems: string[] = [];
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 720 });
        const found = [...(await accessibilityProblems(page)), ...(await faintBorders(page))];
        if ((await overflow(page)) > 0) found.push('the page is wider than the window');
        problems.push(...found.map((problem) => `${colorScheme} ${width}: ${problem}`));
      }
    }
    return [...problems, ...complaints];
  }

  test.each(Object.entries(SHOWN_PAGES))(requirement('accessible-pages', '%s'), async (_what, { heading, open }) => {
    await open(page, world);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    expect(await findProblems()).toEqual([]);
    expect(await page.getAttribute('html', 'lang')).toBe('en');
    expect(await page.title()).toMatch(/^.+ · Tallystick$/);
  });

  test(requirement('accessible-pages', 'many users, and a search without scripts'), async () => {
    await page.goto(authorizationUrl(crowd));
    expect(await findProblems()).toEqual([]);
    await page.getByRole('searchbox', { name: 'Find a user' }).fill('mail-11@');
    await page.keyboard.press('Enter');
    await page.getByText('1 of 14 users match').waitFor();
    expect(await page.getByRole('button', { name: /Name \d/ }).allTextContents()).toEqual([
      expect.stringContaining('Name 11'),
    ]);
    expect(await findProblems()).toEqual([]);
    await page.getByRole('button', { name: 'Name 11' }).click();
    await page.getByText('signed in as user-11').waitFor();
  });

  test(requirement('accessible-pages', 'the keyboard alone'), async () => {
    await page.goto(authorizationUrl(world));
    expect(await tabOrder(page)).toEqual(['BUTTON user alice', 'BUTTON user bob', expect.any(String), 'BUTTON  ']);
    await page.getByRole('button', { name: 'Alice' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Allow' }).waitFor();
    const callback = page.waitForRequest((request) => request.url().startsWith(CALLBACK));
    await page.keyboard.press('Enter'); // "Allow" has the focus.
    expect(new URL((await callback).url()).searchParams.get('code')).toMatch(/./);
  });

  test(requirement('accessible-pages', 'a wrong code of a device stays, is announced and has the focus'), async () => {
    await SHOWN_PAGES['wrong code of a device']?.open(page, world);
    await page.getByRole('alert').getByText('This code is unknown').waitFor();
    const code = page.getByLabel('Code');
    expect(await code.inputValue()).toBe('WRNG-CODE');
    expect(await code.getAttribute('aria-invalid')).toBe('true');
    expect(await page.evaluate('document.activeElement.id')).toBe('user_code');
  });

  test(requirement('accessible-pages', 'a phone says what was decided'), async () => {
    await SHOWN_PAGES['phone after a decision']?.open(page, world);
    await page.getByRole('status').getByText('You denied the request of Demo bank.').waitFor();
    await page.getByRole('listitem').getByText('Pay the rent').first().waitFor();
  });

  test(requirement('accessible-pages', 'without motion for users who prefer that'), async () => {
    await page.goto(authorizationUrl(world));
    const motion = 'getComputedStyle(document.querySelector("button")).transitionDuration';
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    expect(await page.evaluate(motion)).not.toBe('0s');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await page.evaluate(motion)).toBe('0s');
  });
});

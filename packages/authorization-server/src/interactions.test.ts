import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Served, serve } from './testing/serve.ts';
import { type Browser, createBrowser, openLogin } from './testing/sign_in.ts';

let served: Served;
let browser: Browser;
beforeEach(async () => {
  served = await serve();
  browser = createBrowser();
});
afterEach(() => served.stop());

test('a user who is not there cannot be picked', async () => {
  const page = await openLogin(served, browser, 'phantom');
  for (const user of ['mallory', '']) expect((await browser.open(`${page}/login`, { user })).status).toBe(400);
  expect((await browser.open(`${page}/login`, { user: 'alice' })).status).toBe(303);
});

test('a page of another sign-in is refused', async () => {
  const page = await openLogin(served, browser, 'phantom');
  const cookie = `_interaction=${page.split('/').at(-1)}`;
  const elsewhere = await openLogin(served, createBrowser(), 'phantom');
  expect((await fetch(page, { headers: { Cookie: cookie } })).status).toBe(400); // Its signature is missing.
  for (const path of [elsewhere, `${elsewhere}/login`]) {
    const answer = await browser.open(path, path.endsWith('login') ? { user: 'alice' } : undefined);
    expect(answer.status).toBe(400);
  }
});

test('consent cannot be given before someone signed in', async () => {
  const page = await openLogin(served, browser, 'phantom');
  expect((await browser.open(`${page}/consent`, {})).status).toBe(400);
});

test('cancelling sends the client access_denied', async () => {
  const page = await openLogin(served, browser, 'phantom');
  const answer = await browser.open(`${page}/abort`, {});
  const resumed = await browser.open(new URL(answer.headers.get('location') ?? '', served.issuer).href);
  expect(new URL(resumed.headers.get('location') ?? '').searchParams.get('error')).toBe('access_denied');
});

test.each([
  ['another method', 'PUT', '', 405],
  ['a form for a page', 'POST', '', 405],
  ['a page for a form', 'GET', '/login', 405],
])('%s is refused', async (_what, method, step, status) => {
  const page = await openLogin(served, browser, 'phantom');
  expect((await fetch(page + step, { method })).status).toBe(status);
});

test('a form that is too large, or none, is refused', async () => {
  const page = await openLogin(served, browser, 'phantom');
  expect((await browser.open(`${page}/login`, { user: 'x'.repeat(10_000) })).status).toBe(413);
  const json = await browser.open(`${page}/login`, { user: 'alice' }, { 'Content-Type': 'application/json' });
  expect(json.status).toBe(400);
});

test('pages are not cached, framed or scripted', async () => {
  const page = await openLogin(served, browser, 'phantom');
  const { headers } = await browser.open(page);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  expect(headers.get('referrer-policy')).toBe('no-referrer');
});

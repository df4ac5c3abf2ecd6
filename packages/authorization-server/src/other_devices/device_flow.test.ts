import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Browser, createBrowser, follow, open, type Page } from '@tallystick/testing/sign_in';
import type { Records, TokenStore } from '@tallystick/token-store';
import { startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

let server: TestServer;
/** If set: the number of requests that read the code before the first one continues. */
let atOnce = 1;
beforeEach(async () => {
  server = await startTestServer((config) => ({
    ...config,
    users: [...config.users, { id: 'bob', claims: {} }],
    clients: [...config.clients, testClient({ id: 'tv', grants: ['device_code'] })],
  }));
  atOnce = 1;
  const records: TokenStore['records'] = (...which) => readingTogether(server.store.records(...which));
  await server.replaceWithAnother({ ...server.store, records });
});
afterEach(() => server.stop());

function readingTogether(records: Records): Records {
  let waiting: (() => void)[] = [];
  return {
    ...records,
    async findByUserCode(userCode) {
      const found = await records.findByUserCode(userCode);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < atOnce) return;
        for (const goOn of waiting) goOn();
        waiting = [];
      });
      return found;
    },
  };
}

async function post(path: string, form: Record<string, string>): Promise<Record<string, string>> {
  const body = new URLSearchParams({ client_id: 'tv', ...form });
  return (await (await fetch(server.issuer + path, { method: 'POST', body })).json()) as Record<string, string>;
}

interface Code {
  readonly device: string;
  readonly user: string;
}

async function start(): Promise<Code> {
  const { device_code, user_code } = await post('/device/auth', { scope: 'openid' });
  return { device: String(device_code), user: String(user_code) };
}

const redeem = ({ device }: Code) =>
  post('/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: device });

/** A browser with the confirmation page open, and the form to confirm or cancel. */
async function enter({ user }: Code) {
  const browser = createBrowser(server);
  const page = `${server.issuer}/device`;
  const xsrfOf = (html: string) => /name="xsrf" value="([^"]*)"/.exec(html)?.[1] ?? '';
  const form = { xsrf: xsrfOf((await open(browser, page)).text), user_code: user };
  const confirmation = xsrfOf((await open(browser, page, form)).text);
  return {
    browser,
    confirm: () => open(browser, page, { ...form, xsrf: confirmation, confirm: 'yes' }),
    cancel: () => open(browser, page, { ...form, xsrf: confirmation, abort: 'yes' }),
  };
}

/** Signs in and consents, and returns the final page. */
async function goOn(browser: Browser, first: Page, user: string): Promise<string> {
  return first.status === 400 ? first.text : String(await follow(server, browser, first, { user }));
}

test('a wrong code stays in its field, bounded and escaped, and the problem is announced', async () => {
  const browser = createBrowser(server);
  const page = `${server.issuer}/device`;
  const xsrf = /name="xsrf" value="([^"]*)"/.exec((await open(browser, page)).text)?.[1] ?? '';
  const wrong = await open(browser, page, { xsrf, user_code: '"WRNG<CODE' });
  expect(wrong.text).toContain('value="&#34;WRNG&#60;CODE"');
  expect(wrong.text).toMatch(/role="alert">This code is unknown/);
  expect(wrong.text).toMatch(/<input [^>]*autofocus[^>]*aria-describedby="problem"[^>]*aria-invalid="true"/);
  const next = /name="xsrf" value="([^"]*)"/.exec(wrong.text)?.[1] ?? '';
  const long = await open(browser, page, { xsrf: next, user_code: 'B'.repeat(5000) });
  expect(/name="user_code" value="(B*)"/.exec(long.text)?.[1]).toHaveLength(64);
});

test('a code form that is sent twice keeps the code and says what happened', async () => {
  const code = await start();
  const browser = createBrowser(server);
  const page = `${server.issuer}/device`;
  const xsrf = /name="xsrf" value="([^"]*)"/.exec((await open(browser, page)).text)?.[1] ?? '';
  await open(browser, page); // Another tab, whose form replaces this one.
  const again = await open(browser, page, { xsrf, user_code: code.user });
  expect(again.text).toMatch(/role="alert">This form was sent before, or it has expired. Enter the code again/);
  expect(again.text).toContain(`value="${code.user}"`);
});

test('if two users confirm a code concurrently, only one connects the device', async () => {
  const code = await start();
  const users = await Promise.all(['alice', 'bob'].map(async (user) => ({ user, ...(await enter(code)) })));
  atOnce = 2;
  const confirmed = await Promise.all(users.map(({ confirm }) => confirm()));
  expect(confirmed.map(({ status }) => status).sort()).toEqual([303, 400]);
  const pages = await Promise.all(users.map(({ user, browser }, at) => goOn(browser, confirmed[at] as Page, user)));
  const outcomes = pages.map((page) => /Device connected|This code has already been used/.exec(page)?.[0]);
  expect([...outcomes].sort()).toEqual(['Device connected', 'This code has already been used']);
  const { id_token: idToken } = await redeem(code);
  const claims = JSON.parse(Buffer.from(String(idToken).split('.')[1] ?? '', 'base64url').toString());
  expect(claims.sub).toBe(outcomes[0] === 'Device connected' ? 'alice' : 'bob');
});

test.each([
  ['just before', 0],
  ['just after', 1],
])('a code that a user sees as cancelled stays cancelled, also if another user confirms it %s', async (_, place) => {
  const code = await start();
  const [one, other] = await Promise.all([enter(code), enter(code)]);
  atOnce = 2;
  const cancelling = place === 0 ? undefined : other.cancel();
  const [confirmed, cancelled] = await Promise.all([one.confirm(), cancelling ?? other.cancel()]);
  const page = await goOn(one.browser, confirmed, 'alice');
  const isCancelled = cancelled.text.includes('Cancelled');
  expect(page.includes('Device connected')).toBe(!isCancelled);
  expect(await redeem(code)).toMatchObject(
    isCancelled ? { error: 'access_denied' } : { access_token: expect.any(String) },
  );
});

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Browser, createBrowser, open } from '@tallystick/testing/sign_in';
import { startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer((config) => ({
    ...config,
    users: [...config.users, { id: 'bob', claims: {} }],
    clients: [
      ...config.clients,
      testClient({
        id: 'bank',
        secret: 'bank-secret',
        grants: ['ciba'],
        metadata: { backchannel_token_delivery_mode: 'poll' },
      }),
    ],
  }));
});
afterEach(() => server.stop());

async function post(path: string, form: Record<string, string>): Promise<Record<string, string>> {
  const headers = { Authorization: `Basic ${btoa('bank:bank-secret')}` };
  const answer = await fetch(server.issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) });
  return (await answer.json()) as Record<string, string>;
}

/** The bank starts a request. @returns the `auth_req_id` */
async function ask(user = 'alice'): Promise<string> {
  return String((await post('/backchannel', { scope: 'openid', login_hint: user })).auth_req_id);
}

const redeem = (id: string) => post('/token', { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: id });

const page = () => `${server.issuer}/ciba`;
const hidden = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';

/** Opens the page. @returns the hidden fields of its form */
async function look(browser: Browser) {
  const html = (await open(browser, page())).text;
  return { html, xsrf: hidden(html, 'xsrf'), request: hidden(html, 'request') };
}

async function signIn(user: string): Promise<Browser> {
  const browser = createBrowser(server);
  const answer = await open(browser, page(), { user, xsrf: (await look(browser)).xsrf });
  expect(answer.status).toBe(303);
  return browser;
}

test('a user signs in and decides', async () => {
  const id = await ask();
  const browser = await signIn('alice');
  const { html, xsrf, request } = await look(browser);
  expect(html).toContain('Requests for alice');
  const answer = await open(browser, page(), { xsrf, request, decision: 'approve' });
  expect(answer.status).toBe(303);
  expect((await look(browser)).html).toContain('no pending requests');
  const decided = (await open(browser, String(answer.headers.location))).text;
  expect(decided).toContain('role="status">You approved the request of bank.');
  expect(await redeem(id)).toMatchObject({ access_token: expect.any(String) });
});

test('a form that is sent twice, or after the back button, says that the request was decided before', async () => {
  const id = await ask();
  const browser = await signIn('alice');
  const { xsrf, request } = await look(browser);
  expect((await open(browser, page(), { xsrf, request, decision: 'deny' })).status).toBe(303);
  for (const decision of ['deny', 'approve']) {
    const again = await open(browser, page(), { xsrf, request, decision });
    expect([again.status, again.text]).toEqual([400, expect.stringContaining('This request was decided before')]);
    expect(again.text).toContain('<span class="denied">denied</span>');
  }
  expect(await redeem(id)).toMatchObject({ error: 'access_denied' });
});

test('what was decided is shown to its user only, and only if it was decided', async () => {
  await ask();
  const alice = await signIn('alice');
  const { xsrf, request } = await look(alice);
  expect((await open(alice, `${page()}?decided=${request}`)).text).not.toMatch(/role="status"|Decided/);
  await open(alice, page(), { xsrf, request, decision: 'approve' });
  expect((await open(await signIn('bob'), `${page()}?decided=${request}`)).text).not.toMatch(/role="status"|Decided/);
  expect((await open(alice, `${page()}?decided=a&decided=b`)).text).not.toContain('role="status"');
});

test('a decision needs the session of the requested user', async () => {
  const id = await ask();
  const [{ handle: request } = { handle: '' }] = await server.backchannelRequests.pending('alice');
  const decision = 'approve';
  const alice = await signIn('alice');
  const { xsrf } = await look(alice);
  const bob = await signIn('bob');
  const outcomes = {
    nobody: (await open(createBrowser(server), page(), { user: 'alice', request, decision })).status,
    'nobody, with a form that was shown to alice': (
      await open(createBrowser(server), page(), { xsrf, request, decision })
    ).status,
    bob: (await open(bob, page(), { user: 'alice', xsrf: (await look(bob)).xsrf, request, decision })).status,
    'alice, at a form of another site': (await open(alice, page(), { request, decision })).status,
    'alice, at a form that was shown to bob': (
      await open(alice, page(), { xsrf: (await look(bob)).xsrf, request, decision })
    ).status,
    'alice, on a request that there is not': (await open(alice, page(), { xsrf, request: id, decision })).status,
  };
  expect(Object.entries(outcomes).filter(([, status]) => status !== 400)).toEqual([]);
  expect((await look(bob)).html).not.toContain(request);
  expect(await redeem(id)).toMatchObject({ error: 'authorization_pending' });
  expect((await open(alice, page(), { xsrf, request, decision })).status).toBe(303);
});

test('a sign-in needs the form sent to this browser, and a configured user', async () => {
  const [one, other] = [createBrowser(server), createBrowser(server)];
  const { xsrf } = await look(one);
  await look(other);
  expect((await open(other, page(), { user: 'alice', xsrf })).status).toBe(400);
  expect((await open(one, page(), { user: 'alice' })).status).toBe(400);
  const carol = await open(one, page(), { user: 'carol', xsrf }, { Accept: 'text/html' });
  expect([carol.status, carol.text]).toEqual([400, expect.stringMatching(/Unknown user.*Configured users.*bob/s)]);
  expect((await open(one, page(), { user: 'alice', xsrf })).status).toBe(303);
  expect((await look(one)).html).toContain('Requests for alice');
});

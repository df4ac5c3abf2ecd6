import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createSealedCookies } from '../http/sealed_cookies.ts';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

const SECRET = 'the secret of the gateways, of 32 characters';
const NAME = '__Host-app';
const PAGE = { 'X-CSRF': '1', 'Sec-Fetch-Site': 'same-origin' };

let fixture: GatewayFixture;
beforeAll(async () => {
  fixture = await startGatewayFixture(({ authorizationServer }) => ({
    secret: SECRET,
    // No server listens there.
    authorizationServer: { ...authorizationServer, backChannelUrl: 'http://127.0.0.1:1' },
    tokenHandlers: [{ client: { id: 'app' }, api: api('phantom'), cookie: NAME, sessionLifetime: 3600 }],
  }));
});
afterAll(() => fixture.stop());
beforeEach(() => {
  fixture.store.unavailable = false;
});

/** The session cookie of a user who signed in a minute ago. */
async function sessionCookie(content: object): Promise<string> {
  const sealed = createSealedCookies(SECRET, () => fixture.clock.time);
  const since = Math.floor(fixture.clock.time / 1000) - 60;
  const value = await sealed.seal(`${NAME}-session`, { since, claims: { sub: 'alice' }, ...content }, 3600);
  return `${NAME}-session=${value}`;
}

const ask = (path: string, cookie: string) =>
  fetch(`${fixture.origin}/oauth-agent/${path}`, {
    method: path === 'session' ? 'GET' : 'POST',
    headers: { ...PAGE, Cookie: cookie },
  });

test('a copy of the cookie cannot be used after the logout, and other sessions go on', async () => {
  const [mine, another] = [await sessionCookie({ sid: 'mine' }), await sessionCookie({ sid: 'another' })];
  expect(await (await ask('session', mine)).json()).toEqual({ claims: { sub: 'alice' } });
  expect((await ask('logout', mine)).status).toBe(200);
  for (const path of ['session', 'refresh']) {
    const answer = await ask(path, mine);
    expect([path, answer.status]).toEqual([path, 401]);
    expect(answer.headers.getSetCookie().every((cookie) => cookie.includes('Max-Age=0'))).toBe(true);
  }
  expect((await ask('session', another)).status).toBe(200);
});

test('a session that cannot be continued ends for every copy of its cookie', async () => {
  const cookie = await sessionCookie({ sid: 'without a refresh token' });
  expect((await ask('refresh', cookie)).status).toBe(401);
  expect((await ask('session', cookie)).status).toBe(401);
});

test('a session without a sid, which could not be ended, is not accepted', async () => {
  expect((await ask('session', await sessionCookie({}))).status).toBe(401);
});

test('while the store is unavailable, requests get 503 and sessions stay open', async () => {
  const cookie = await sessionCookie({ sid: 'patient', refreshToken: 'of patient' });
  fixture.store.unavailable = true;
  for (const path of ['session', 'refresh']) {
    const answer = await ask(path, cookie);
    expect([path, answer.status, answer.headers.get('retry-after')]).toEqual([path, 503, '1']);
    expect(answer.headers.getSetCookie()).toEqual([]);
  }
  fixture.store.unavailable = false;
  expect((await ask('session', cookie)).status).toBe(200);
});

test('a logout deletes the cookies of this browser even if the store is unavailable, and logs the failure', async () => {
  const cookie = await sessionCookie({ sid: 'in a hurry' });
  fixture.store.unavailable = true;
  const answer = await ask('logout', cookie);
  expect([answer.status, answer.headers.getSetCookie().length]).toEqual([200, 2]);
  expect(fixture.log).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringMatching(/could not be ended/) }),
  );
});

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createSealedCookies } from '../http/sealed_cookies.ts';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

const SECRET = 'what only the gateways know, of 32 characters';
const NAME = '__Host-app';
const PAGE = { 'X-CSRF': '1', 'Sec-Fetch-Site': 'same-origin' };

let fixture: GatewayFixture;
beforeAll(async () => {
  fixture = await startGatewayFixture(({ authorizationServer }) => ({
    secret: SECRET,
    // Nobody is there.
    authorizationServer: { ...authorizationServer, backChannelUrl: 'http://127.0.0.1:1' },
    tokenHandlers: [{ client: { id: 'app' }, api: api('phantom'), cookie: NAME, sessionLifetime: 3600 }],
  }));
});
afterAll(() => fixture.stop());
beforeEach(() => {
  fixture.store.unavailable = false;
});

/** The cookie of a browser whose user signed in a minute ago. */
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

test('a copy of the cookie is good for nothing after the logout, and other sessions go on', async () => {
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

test('a session that cannot be continued is over for every copy of its cookie', async () => {
  const cookie = await sessionCookie({ sid: 'without a refresh token' });
  expect((await ask('refresh', cookie)).status).toBe(401);
  expect((await ask('session', cookie)).status).toBe(401);
});

test('a session without a name, which could not be ended, is none', async () => {
  expect((await ask('session', await sessionCookie({}))).status).toBe(401);
});

test('while the store does not tell which sessions have ended, nobody is signed in or out by that', async () => {
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

test('a logout takes the cookies of this browser also when the store cannot be told, and says so in the log', async () => {
  const cookie = await sessionCookie({ sid: 'in a hurry' });
  fixture.store.unavailable = true;
  const answer = await ask('logout', cookie);
  expect([answer.status, answer.headers.getSetCookie().length]).toEqual([200, 2]);
  expect(fixture.log).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringMatching(/could not be ended/) }),
  );
});

import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCookieJar } from '@tallystick/testing/cookie_jar';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../testing/openid_provider.ts';

const cookie = '__Host-app';
const app = 'https://api.example.com/app';
let provider: OpenIdProvider;
let fixture: GatewayFixture;

beforeEach(async () => {
  provider = await startOpenIdProvider('app');
  fixture = await startGatewayFixture(({ routes }) => ({
    issuer: provider.issuer,
    secret: 's'.repeat(32),
    introspection: { tokenPattern: '.+' },
    tokenHandlers: [{ client: { id: 'app' }, api: app, claims: ['note'], cookie, application: '/app' }],
    apis: [{ resource: app, accessTokens: 'opaque' }],
    routes: [{ prefix: '/app', upstream: routes[0]?.upstream, api: app, tokenCookie: { name: cookie } }],
  }));
});
afterEach(async () => {
  await fixture.stop();
  await provider.stop();
});

function openBrowser() {
  const jar = createCookieJar();
  async function go(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers({ 'X-CSRF': '1', ...(jar.cookies.size > 0 && { Cookie: jar.header() }) });
    const response = await fetch(fixture.origin + path, { redirect: 'manual', ...init, headers });
    jar.keep(response);
    return response;
  }
  async function begin(path = '/oauth-agent/login') {
    const response = await go(path);
    const location = new URL(response.headers.get('location') ?? 'about:blank');
    return {
      response,
      state: location.searchParams.get('state') ?? '',
      nonce: location.searchParams.get('nonce') ?? '',
    };
  }
  function complete({ state, nonce }: { state: string; nonce: string }) {
    provider.nonce = nonce;
    return go(`/oauth-agent/callback?code=c&state=${state}`);
  }
  return { jar, go, begin, complete, signIn: async () => complete(await begin()) };
}

/** Random text of this length that looks like a JWT. */
const jwtOf = (length: number) =>
  `e.${randomBytes(length)
    .toString('base64url')
    .slice(0, length - 4)}.s`;
const referenceOf = (length: number) => randomBytes(length).toString('base64url').slice(0, length);
/** Issues a new refresh token each time: the outcome of a refresh is shared by all requests with the same refresh token. */
function issue(access_token: string): void {
  provider.tokens = { access_token, refresh_token: referenceOf(43), expires_in: 300 };
}

const authorizationAtApi = () => fixture.upstream.seen.at(-1)?.headers.authorization;

describe('A token that is too long for one cookie', () => {
  test.each([
    ['a JWT', jwtOf(43), 1],
    ['a long JWT', jwtOf(2_800), 1],
    ['a JWT of 4 KB', jwtOf(4_000), 3],
    ['a JWT of 10 KB', jwtOf(10_000), 5],
    ['a reference of 5 KB', referenceOf(5_000), 3],
    ['a reference of 15 KB', referenceOf(15_000), 5],
  ])('is split into several cookies, and the API gets it whole: %s', async (_, token, count) => {
    issue(token);
    const { jar, go, signIn } = openBrowser();
    expect((await signIn()).status).toBe(302);
    const names = [...jar.cookies.keys()].filter((name) => !name.includes('session'));
    expect(names).toHaveLength(count);
    expect((await go('/app')).status).toBe(200);
    expect(authorizationAtApi()).toBe(`Bearer ${token}`);
    expect(fixture.upstream.seen.at(-1)?.headers.cookie).toBeUndefined();
  });

  test('may be the refresh token, also together with the claims of the user', async () => {
    provider.tokens = { ...provider.tokens, refresh_token: jwtOf(5_000) };
    provider.claims = { sub: 'alice', note: 'n'.repeat(3_000) };
    const { jar, go, signIn } = openBrowser();
    await signIn();
    expect(jar.cookies.has(`${cookie}-session-3`)).toBe(true);
    expect(await (await go('/oauth-agent/session')).json()).toEqual({ claims: provider.claims });
  });

  test('leaves no cookies behind when a shorter one follows, or at logout', async () => {
    issue(jwtOf(10_000));
    const { jar, go, signIn } = openBrowser();
    await signIn();
    issue(jwtOf(4_000));
    expect((await go('/oauth-agent/refresh', { method: 'POST' })).status).toBe(204);
    expect([...jar.cookies.keys()]).toEqual([cookie, `${cookie}-1`, `${cookie}-2`, `${cookie}-session`]);
    expect((await go('/app')).status).toBe(200);
    expect(authorizationAtApi()).toBe(`Bearer ${provider.tokens.access_token}`);
    issue(referenceOf(43));
    await go('/oauth-agent/refresh', { method: 'POST' });
    expect([...jar.cookies.keys()]).toEqual([cookie, `${cookie}-session`]);

    issue(jwtOf(10_000));
    await go('/oauth-agent/refresh', { method: 'POST' });
    expect(jar.cookies.size).toBe(6);
    expect((await go('/oauth-agent/logout', { method: 'POST' })).status).toBe(200);
    expect(jar.cookies.size).toBe(0);
  });

  test('is not accepted when a part is missing, or is from another token', async () => {
    issue(jwtOf(10_000));
    const [one, other] = [openBrowser(), openBrowser()];
    await one.signIn();
    await other.signIn();
    one.jar.cookies.set(`${cookie}-2`, other.jar.cookies.get(`${cookie}-2`) ?? '');
    expect((await one.go('/app')).status).toBe(401);
    other.jar.cookies.delete(`${cookie}-3`);
    expect((await other.go('/app')).status).toBe(401);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test.each([
    ['the access token', () => ({ access_token: jwtOf(13_000) }), /access token.* 13000 characters.*reference/],
    ['the refresh token', () => ({ refresh_token: jwtOf(13_000) }), /refresh token.*fewer claims/],
  ])('is refused with the reason when it is too long for several cookies: %s', async (_, tokens, reason) => {
    const { jar, go, signIn } = openBrowser();
    await signIn();
    const held = jar.header();
    provider.tokens = { ...provider.tokens, ...tokens() };
    for (const answer of [await go('/oauth-agent/refresh', { method: 'POST' }), await signIn()]) {
      expect(answer.status).toBe(500);
      expect(answer.headers.get('retry-after')).toBeNull();
      expect(await answer.json()).toEqual({
        error: 'token_too_long',
        error_description: expect.stringMatching(reason),
      });
    }
    expect(jar.header()).toContain(held);
    const line = fixture.log.find(({ error }) => error === 'token_too_long');
    expect(line).toMatchObject({ level: 'warn', status: 500, reason: expect.stringMatching(reason) });
  });

  test('is not reported when the authorization server fails', async () => {
    provider.tokenStatus = 500;
    const answer = await openBrowser().signIn();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  });
});

describe('Pending logins', () => {
  test('are at most ten, and the newest can be completed', async () => {
    const { jar, begin, complete, go } = openBrowser();
    const begun: Awaited<ReturnType<typeof begin>>[] = [];
    for (let login = 0; login < 119; login += 1) {
      begun.push(await begin());
      fixture.clock.time += 1_000;
    }
    expect(jar.cookies.size).toBe(10);
    expect((await go('/app')).status).toBe(401);
    const [oldest, ...others] = begun.slice(-10);
    expect(oldest && (await complete(oldest)).status).toBe(302);
    for (const login of others) expect((await complete(login)).status).toBe(302);
    const dropped = begun.at(-11);
    expect(dropped && (await complete(dropped)).status).toBe(400);
  });

  test('take at most 8 KB of cookies', async () => {
    const { jar, begin, complete } = openBrowser();
    let newest = await begin();
    for (let login = 0; login < 10; login += 1) {
      newest = await begin(`/oauth-agent/login?return_to=/${'p'.repeat(1_500)}`);
      fixture.clock.time += 1_000;
    }
    expect(jar.header().length).toBeLessThanOrEqual(8 * 1024);
    expect(jar.cookies.size).toBeGreaterThan(1);
    expect((await complete(newest)).headers.get('location')).toMatch(/p{1500}$/);
  });

  test('are refused when their cookie would be too long for a browser', async () => {
    const { response } = await openBrowser().begin(`/oauth-agent/login?return_to=/${'p'.repeat(4_000)}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error_description: 'return_to is too long' });
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cookieHeader } from '@tallystick/testing/cookie_jar';
import { requirement } from '../requirements/index.ts';
import { startTokenHandlerWorld } from '../support/clients/token_handler.ts';
import { STYLES } from '../support/worlds/world.ts';

type Running = Awaited<ReturnType<typeof startTokenHandlerWorld>>;

describe.each(STYLES)('an application whose API has tokens of the style %s', (style) => {
  let running: Running;
  beforeAll(async () => {
    running = await startTokenHandlerWorld(style);
  });
  afterAll(() => running.world.stop());
  const hello = `/${style}/hello`;

  test(requirement('token-handler', style), async () => {
    const page = running.openPage();
    expect((await page.send('/oauth-agent/session')).status).toBe(401);
    const { sent, answer } = await running.signIn(page, '/oauth-agent/login?return_to=/app/orders?page=2');
    expect(sent.searchParams.get('code_challenge_method') ?? sent.searchParams.get('request_uri')).toBeTruthy();
    expect([answer.status, answer.headers.get('location')]).toEqual([302, `${running.gateway}/app/orders?page=2`]);
    expect([...page.cookies.keys()].sort()).toEqual(['__Host-tallystick', '__Host-tallystick-session']);

    const session = await page.send('/oauth-agent/session');
    expect(await session.json()).toEqual({ claims: { sub: 'alice', email: 'alice@example.com' } });
    const called = await page.send(hello, { headers: { Cookie: `${cookieHeader(page.cookies)}; theme=dark` } });
    expect(called.status).toBe(200);
    const { headers } = (await called.json()) as { headers: Record<string, string> };
    expect(headers.cookie).toBe('theme=dark');
  });

  test(requirement('token-handler-cookies', style), async () => {
    const page = running.openPage();
    const login = await page.visit('/oauth-agent/login');
    const { answer } = await running.signIn(page);
    const set = [...login.headers.getSetCookie(), ...answer.headers.getSetCookie()];
    expect(set.length).toBeGreaterThan(2);
    for (const cookie of set) {
      expect(cookie).toMatch(
        /^__Host-tallystick[\w-]*=[\w.-]*; Max-Age=\d+; Path=\/; Secure; HttpOnly; SameSite=(Strict|Lax)$/,
      );
      expect(cookie).not.toMatch(/=eyJhbGciOiJFUzI1NiI/); // a JWT signed with ES256
    }
    expect(set.filter((cookie) => cookie.endsWith('Lax')).every((cookie) => cookie.includes('-login-'))).toBe(true);
    for (const path of ['session', 'refresh', 'logout']) {
      const said = await (
        await page.send(`/oauth-agent/${path}`, { method: path === 'session' ? 'GET' : 'POST' })
      ).text();
      for (const value of page.cookies.values()) expect(said).not.toContain(value);
    }
  });

  test(requirement('token-handler-refresh', style), async () => {
    const page = running.openPage();
    await running.signIn(page);
    const before = new Map(page.cookies);
    const refresh = () =>
      page.send('/oauth-agent/refresh', { method: 'POST', headers: { Cookie: cookieHeader(before) } });
    const statuses = (await Promise.all([refresh(), refresh(), refresh()])).map(({ status }) => status);
    expect(statuses).toEqual([204, 204, 204]);
    expect(page.cookies.get('__Host-tallystick')).not.toBe(before.get('__Host-tallystick'));
    expect((await page.send(hello)).status).toBe(200);
    expect((await page.send('/oauth-agent/refresh', { method: 'POST' })).status).toBe(204);
  });

  test(requirement('token-handler-logout', style), async () => {
    const page = running.openPage();
    await running.signIn(page);
    const held = cookieHeader(page.cookies);
    const answer = await page.send('/oauth-agent/logout', { method: 'POST' });
    const { logout_url } = (await answer.json()) as { logout_url: string };
    expect(logout_url).toContain(`${running.world.issuer}/session/end`);
    expect(page.cookies.size).toBe(0);
    expect((await page.send(hello)).status).toBe(401);
    if (style !== 'jwt') expect((await page.send(hello, { headers: { Cookie: held } })).status).toBe(401);
    const copied = await page.send('/oauth-agent/session', { headers: { Cookie: held } });
    expect([copied.status, copied.headers.getSetCookie().length]).toEqual([401, 2]);
    const refreshed = await page.send('/oauth-agent/refresh', { method: 'POST', headers: { Cookie: held } });
    expect([refreshed.status, refreshed.headers.getSetCookie().length]).toEqual([401, 2]);
  });
});

describe('a request with the cookies', () => {
  let running: Running;
  let cookie: string;
  beforeAll(async () => {
    running = await startTokenHandlerWorld('phantom');
    const page = running.openPage();
    await running.signIn(page);
    cookie = cookieHeader(page.cookies);
  });
  afterAll(() => running.world.stop());

  const page = { 'X-CSRF': '1', 'Sec-Fetch-Site': 'same-origin' };
  test.each([
    ['a page of the gateway', page, 200],
    ['a program that says nothing of a page', { 'X-CSRF': '1' }, 200],
    [
      'a page of a known origin',
      { 'X-CSRF': '1', Origin: 'https://app.example.com', 'Sec-Fetch-Site': 'cross-site' },
      200,
    ],
    ['a link, a form or an image', { 'Sec-Fetch-Site': 'same-origin' }, 403],
    ['a page of another site', { 'X-CSRF': '1', 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['a page of a sibling host', { 'X-CSRF': '1', 'Sec-Fetch-Site': 'same-site' }, 403],
    ['a page of another origin', { ...page, Origin: 'https://evil.example' }, 403],
    ['a page without an origin', { ...page, Origin: 'null' }, 403],
    ['an origin that only begins alike', { ...page, Origin: 'https://app.example.com.evil.example' }, 403],
    ['a request with a token in its header too', { ...page, Authorization: `Bearer ${'a'.repeat(43)}` }, 400],
  ])(requirement('token-handler-csrf', '%s'), async (_who, headers, status) => {
    for (const [method, path] of [
      ['GET', '/phantom/hello'],
      ['GET', '/oauth-agent/session'],
    ] as const) {
      if (status === 400 && path !== '/phantom/hello') continue;
      const answer = await fetch(running.gateway + path, { method, headers: { ...headers, Cookie: cookie } });
      expect([path, answer.status]).toEqual([path, status]);
    }
  });

  test(
    requirement('token-handler-csrf', 'a page of a configured origin may read the response after a preflight'),
    async () => {
      const ask = (origin: string) =>
        fetch(`${running.gateway}/oauth-agent/refresh`, {
          method: 'OPTIONS',
          headers: {
            Origin: origin,
            'Access-Control-Request-Method': 'POST',
            'Access-Control-Request-Headers': 'x-csrf',
          },
        });
      const known = (await ask('https://app.example.com')).headers;
      expect(known.get('access-control-allow-origin')).toBe('https://app.example.com');
      expect(known.get('access-control-allow-credentials')).toBe('true');
      expect(known.get('access-control-allow-headers')).toBe('X-CSRF');
      expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();

      const headers = { 'X-CSRF': '1', Origin: 'https://app.example.com', Cookie: cookie };
      const session = await fetch(`${running.gateway}/oauth-agent/session`, { headers });
      expect(session.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
      const evil = { ...headers, Origin: 'https://evil.example' };
      const refused = await fetch(`${running.gateway}/oauth-agent/session`, { headers: evil });
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    },
  );

  test.each([
    ['no cookie', '', 401],
    ['another cookie', '__Host-tallystick2=abc', 401],
    ['a token twice', `__Host-tallystick=${'a'.repeat(43)}; __Host-tallystick=${'b'.repeat(43)}`, 400],
    ['an unknown token', `__Host-tallystick=${'a'.repeat(43)}`, 401],
    ['something sealed by another', `__Host-tallystick=${'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a.b.c'}`, 401],
    ['a JWT as it is', '__Host-tallystick=a.b.c', 401],
  ])(requirement('token-handler-csrf', 'refused: %s'), async (_what, held, status) => {
    const answer = await fetch(`${running.gateway}/phantom/hello`, { headers: { ...page, Cookie: held } });
    expect(answer.status).toBe(status);
  });

  test.each([
    ['GET', '/oauth-agent/refresh', 405],
    ['GET', '/oauth-agent/logout', 405],
    ['POST', '/oauth-agent/login', 405],
    ['GET', '/oauth-agent/login?return_to=//evil.example', 400],
    ['GET', '/oauth-agent/login?return_to=/%5Cevil.example', 400],
    ['GET', '/oauth-agent/login?return_to=https://evil.example', 400],
    ['GET', '/oauth-agent/callback?code=a&state=b', 400],
    ['GET', '/oauth-agent/callback', 400],
    ['GET', '/oauth-agent/elsewhere', 404],
  ])(requirement('token-handler-csrf', '%s %s gets %d'), async (method, path, status) => {
    const answer = await fetch(running.gateway + path, {
      method,
      headers: { ...page, Cookie: cookie },
      redirect: 'manual',
    });
    expect(answer.status).toBe(status);
  });

  test(requirement('token-handler', 'a user refuses to sign in'), async () => {
    const refusing = running.openPage();
    const sent = new URL(String((await refusing.visit('/oauth-agent/login?prompt=none')).headers.get('location')));
    const refused = new URL(String((await fetch(sent, { redirect: 'manual' })).headers.get('location')));
    const answer = await refusing.visit(refused.pathname + refused.search);
    expect(answer.headers.get('location')).toBe(`${running.gateway}/app?from=login&error=login_required`);
    expect(refusing.cookies.size).toBe(0);
  });

  test(requirement('token-handler', 'a session ends at its configured age'), async () => {
    const late = running.openPage();
    await running.signIn(late);
    running.world.tallystick.clock.advance(8 * 3600 + 1);
    expect((await late.send('/oauth-agent/refresh', { method: 'POST' })).status).toBe(401);
    expect(late.cookies.size).toBe(0);
    running.world.tallystick.clock.reset();
  });

  test(requirement('token-handler', 'the authorization server is unavailable'), async () => {
    const patient = running.openPage();
    await running.signIn(patient);
    const held = cookieHeader(patient.cookies);
    for (const endpoint of ['token', 'revocation', 'pushed_authorization_request'] as const) {
      running.world.tallystick.faults.add({ endpoint, drop: true });
    }
    for (const [path, method] of [
      ['login', 'GET'],
      ['refresh', 'POST'],
    ] as const) {
      const answer = await patient.send(`/oauth-agent/${path}`, { method });
      expect([path, answer.status, answer.headers.get('retry-after')]).toEqual([path, 503, '1']);
    }
    expect(cookieHeader(patient.cookies)).toBe(held); // The session survives the outage.
    running.world.tallystick.faults.clear();
    expect((await patient.send('/oauth-agent/refresh', { method: 'POST' })).status).toBe(204);
  });
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type CookieJar, createCookieJar } from '@tallystick/testing/cookie_jar';
import { requirement } from '../requirements/index.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';

let world: OneProcess;
beforeAll(async () => {
  world = await startOneProcess();
});
afterAll(() => world.stop());

/** A browser that follows redirects, with the cookies of each host. */
function createBrowser() {
  const jars = new Map<string, CookieJar>();
  async function open(url: URL, init: RequestInit = {}): Promise<{ readonly url: URL; readonly response: Response }> {
    const jar = jars.get(url.hostname) ?? createCookieJar();
    jars.set(url.hostname, jar);
    const headers = { Cookie: jar.header(), Accept: 'text/html' };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    world.log.secret(...response.headers.getSetCookie().map((cookie) => /=([^;]+)/.exec(cookie)?.[1]));
    jar.keep(response);
    const location = response.headers.get('location');
    if (location === null) return { url, response };
    const next = new URL(location, url);
    if (next.port !== url.port) return { url: next, response };
    return open(next, response.status === 307 ? init : {});
  }
  return { open, jars };
}

test.each(['127.0.0.1', '[::1]', 'localhost'])(
  requirement('sign-in-moves-to-the-issuer', 'a sign-in that begins at %s'),
  async (host) => {
    const { open, jars } = createBrowser();
    const start = new URL(`${world.issuer}/auth`);
    start.hostname = host;
    start.search = String(
      new URLSearchParams({
        client_id: 'demo-web',
        response_type: 'code',
        redirect_uri: 'http://localhost:4300/callback',
        scope: 'openid',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      }),
    );
    const login = await open(start);
    const action = /action="([^"]+\/login)"/.exec(await login.response.text())?.[1] ?? '';
    const consent = await open(new URL(action, login.url), {
      method: 'POST',
      body: new URLSearchParams({ user: 'alice' }),
    });
    const allow = /action="([^"]+\/consent)"/.exec(await consent.response.text())?.[1];
    const end = allow === undefined ? consent : await open(new URL(allow, consent.url), { method: 'POST' });
    world.log.secret(end.url.searchParams.get('code'));
    expect(end.url.href).toMatch(/^http:\/\/localhost:4300\/callback\?code=/);
    const withCookies = [...jars].filter(([, { cookies }]) => cookies.size > 0).map(([name]) => name);
    expect(withCookies).toEqual(['localhost']);
  },
);

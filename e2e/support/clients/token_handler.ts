import { createCookieJar } from '@tallystick/testing/cookie_jar';
import { createBrowser, follow, open } from '@tallystick/testing/sign_in';
import type { ConfigInput } from 'tallystick';
import { startOneProcess } from '../worlds/one_process.ts';
import { resourceOf, type Style } from '../worlds/world.ts';

/** A page of the application in a browser: the cookies, and the requests of scripts and links. */
export interface Page {
  /** Cookies by name, as a browser keeps them. */
  readonly cookies: Map<string, string>;
  /** Sends a request as a script of the page would. */
  send(path: string, init?: RequestInit): Promise<Response>;
  /** Goes to a path, as a click on a link would. */
  visit(path: string): Promise<Response>;
}

/** Starts the demo with a token handler for an application that calls the API of that style. @param more further routes */
export async function startTokenHandlerWorld(
  style: Style,
  ...more: NonNullable<NonNullable<ConfigInput['gateway']>['routes']>
) {
  const world = await startOneProcess((config) => ({
    ...config,
    host: '127.0.0.1',
    clients: config.clients.map((client) =>
      client.id === 'demo-web'
        ? {
            ...client,
            redirectUris: ['http://127.0.0.1/oauth-agent/callback'],
            postLogoutRedirectUris: ['http://127.0.0.1/app?from=login'],
          }
        : client,
    ),
    gateway: {
      ...config.gateway,
      tokenHandlers: [
        {
          client: { id: 'demo-web' },
          api: resourceOf(style),
          scopes: ['read', 'email'],
          claims: ['email'],
          origins: ['https://app.example.com'],
          application: '/app?from=login',
        },
      ],
      routes: [
        ...config.gateway.routes.map((route) =>
          route.prefix === `/${style}` ? { ...route, tokenCookie: { name: '__Host-tallystick' } } : route,
        ),
        ...more,
      ],
    },
  }));
  const [gateway] = world.gateways;

  function openPage(): Page {
    const jar = createCookieJar();
    async function send(path: string, init: RequestInit = {}) {
      const headers = new Headers({ 'X-CSRF': '1', 'Sec-Fetch-Site': 'same-origin' });
      for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
      if (jar.cookies.size > 0 && !headers.has('Cookie')) headers.set('Cookie', jar.header());
      const answer = await fetch(gateway + path, { redirect: 'manual', ...init, headers });
      jar.keep(answer);
      world.log.secret(...[...jar.cookies.values()].filter((value) => value.length > 20));
      return answer;
    }
    return {
      cookies: jar.cookies,
      send,
      visit: (path) => send(path, { headers: { 'X-CSRF': '', 'Sec-Fetch-Site': 'none' } }),
    };
  }

  /** Signs a user in. @returns the authorization request, the redirect to the gateway, and the gateway's response to it */
  async function signIn(page: Page, path = '/oauth-agent/login') {
    const sent = new URL(String((await page.visit(path)).headers.get('location')));
    const browser = createBrowser(world);
    const callback = await follow(world, browser, await open(browser, sent));
    if (typeof callback === 'string') throw new Error(callback);
    world.log.secret(callback.searchParams.get('code'));
    const answer = await page.visit(callback.pathname + callback.search);
    return { sent, callback, answer };
  }

  return { world, gateway, openPage, signIn };
}

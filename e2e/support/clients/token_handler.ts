import { createBrowser, follow, open } from '@tallystick/testing/sign_in';
import type { ConfigInput } from 'tallystick';
import { startOneProcess } from '../worlds/one_process.ts';
import { resourceOf, type Style } from '../worlds/world.ts';

/** Browsers' part of a page of the application: its cookies, and the header that its scripts send. */
export interface Page {
  /** Cookies by name, as a browser keeps them. */
  readonly cookies: Map<string, string>;
  /** Sends a request as a script of the page would. */
  send(path: string, init?: RequestInit): Promise<Response>;
  /** Goes to a path, as a click on a link would. */
  visit(path: string): Promise<Response>;
}

/** The demo world with a token handler for an application that calls the API of that style. @param more routes */
export async function startTokenHandlerWorld(style: Style, ...more: ConfigInput['gateway']['routes']) {
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
      routes: config.gateway.routes
        .map((route) =>
          route.prefix === `/${style}` ? { ...route, tokenCookie: { name: '__Host-tallystick' } } : route,
        )
        .concat(more),
    },
  }));
  const [gateway] = world.gateways;

  function openPage(): Page {
    const cookies = new Map<string, string>();
    async function send(path: string, init: RequestInit = {}) {
      const headers = new Headers({ 'X-CSRF': '1', 'Sec-Fetch-Site': 'same-origin' });
      for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
      const held = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      if (held !== '' && !headers.has('Cookie')) headers.set('Cookie', held);
      const answer = await fetch(gateway + path, { redirect: 'manual', ...init, headers });
      for (const cookie of answer.headers.getSetCookie()) keep(cookies, cookie);
      world.log.secret(...[...cookies.values()].filter((value) => value.length > 20));
      return answer;
    }
    return {
      cookies,
      send,
      visit: (path) => send(path, { headers: { 'X-CSRF': '', 'Sec-Fetch-Site': 'none' } }),
    };
  }

  /** A user signs in at the authorization server. @returns the application's page, and where the browser ended */
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

function keep(cookies: Map<string, string>, header: string): void {
  const [pair = ''] = header.split(';');
  const name = pair.slice(0, pair.indexOf('='));
  if (header.includes('Max-Age=0')) cookies.delete(name);
  else cookies.set(name, pair.slice(name.length + 1));
}

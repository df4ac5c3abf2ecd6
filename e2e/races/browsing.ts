import { cookieHeader, createCookieJar } from '@tallystick/testing/cookie_jar';
import { follow } from '@tallystick/testing/sign_in';
import { design, rfc } from '../requirements/source.ts';
import { resourceOf } from '../support/worlds/world.ts';
import { combinations, type Race } from './race.ts';
import type { RaceWorld } from './race_world.ts';
import { tokenRequests } from './requests.ts';

const PAGE = { 'X-CSRF': '1', 'Sec-Fetch-Site': 'same-origin' };
const BROWSER_APPLICATIONS = 'https://www.ietf.org/archive/id/draft-ietf-oauth-browser-based-apps-26.html#section-6.1';

/** The cookies of one browser, by name. */
type Cookies = ReadonlyMap<string, string>;

function headersOf(cookies: Cookies): Record<string, string> {
  return { ...PAGE, Cookie: cookieHeader(cookies) };
}

function withCookiesOf(cookies: Cookies, answer: Response): Map<string, string> {
  const jar = createCookieJar(cookies);
  jar.keep(answer);
  return jar.cookies;
}

/** Signs alice in at an application whose gateway keeps her tokens. */
async function signInAtGateway(world: RaceWorld): Promise<Cookies> {
  const begun = await fetch(`${world.doors[0]}/oauth-agent/login`, { redirect: 'manual' });
  const login = new URL(String(begun.headers.get('location')));
  const first = await world.alice.get(login.pathname + login.search).redirects(0);
  const callback = await follow(world, world.alice, first);
  if (!(callback instanceof URL)) throw new Error(callback);
  world.log.secret(callback.searchParams.get('code'));
  const ended = await fetch(world.doors[1] + callback.pathname + callback.search, {
    headers: headersOf(withCookiesOf(new Map(), begun)),
    redirect: 'manual',
  });
  const cookies = withCookiesOf(new Map(), ended);
  world.log.secret(...cookies.values());
  return new Map([...cookies].filter(([, value]) => value !== ''));
}

/** The statuses that a browser with these cookies gets: from the API, for its session, and for a refresh. */
async function statusesWith(world: RaceWorld, cookies: Cookies): Promise<string> {
  const headers = headersOf(cookies);
  const [door] = world.doors;
  const called = await fetch(`${door}/browser/hello`, { headers });
  const session = await fetch(`${door}/oauth-agent/session`, { headers });
  const refreshed = await fetch(`${world.doors[1]}/oauth-agent/refresh`, { method: 'POST', headers });
  world.log.secret(...withCookiesOf(new Map(), refreshed).values());
  return [called, session, refreshed].map(({ status }) => status).join(' ');
}

/** Three tabs of one browser refresh. @param doors the gateway of each tab */
function tabsThatRefresh(where: string, doors: (world: RaceWorld) => readonly string[]): Race {
  return {
    name: `tabs that refresh ${where}`,
    source: BROWSER_APPLICATIONS,
    async prepare(world) {
      const cookies = await signInAtGateway(world);
      let latest: Cookies = cookies;
      const refresh = async (door: string) => {
        // A connection of its own: the workers get connections in turn.
        const headers = { ...headersOf(cookies), Connection: 'close' };
        const answer = await fetch(`${door}/oauth-agent/refresh`, { method: 'POST', headers });
        if (answer.status === 204) latest = withCookiesOf(cookies, answer);
        world.log.secret(...latest.values());
        return `${answer.status}`;
      };
      return { actions: doors(world).map((door) => () => refresh(door)), after: () => statusesWith(world, latest) };
    },
    allowed: ['204 + 204 + 204; 200 200 204'],
  };
}

/** Tabs of one browser, each at another gateway. */
export const browsing: readonly Race[] = [
  tabsThatRefresh('at two gateways', ({ doors: [one, other] }) => [one, other, one]),
  tabsThatRefresh('at two workers of a gateway', ({ workers }) => [workers, workers, workers]),
  {
    name: 'a tab that refreshes beside one that signs out',
    source: BROWSER_APPLICATIONS,
    async prepare(world) {
      const cookies = await signInAtGateway(world);
      let latest: Cookies = cookies;
      const refresh = async () => {
        const url = `${world.doors[0]}/oauth-agent/refresh`;
        const answer = await fetch(url, { method: 'POST', headers: headersOf(cookies) });
        latest = withCookiesOf(cookies, answer);
        world.log.secret(...latest.values());
        return `${answer.status}`;
      };
      const logOut = async () => {
        const url = `${world.doors[1]}/oauth-agent/logout`;
        const { status } = await fetch(url, { method: 'POST', headers: headersOf(cookies) });
        return status === 200 ? 'signed out' : `${status}`;
      };
      return {
        actions: [refresh, logOut],
        after: async () => [await statusesWith(world, cookies), await statusesWith(world, latest)].join(', '),
      };
    },
    allowed: combinations(['204', '401'], ['signed out']).map((said) => `${said}; 401 401 401, 401 401 401`),
  },
  {
    name: 'a callback at two gateways',
    source: rfc(6749, '4.1.2'),
    async prepare(world) {
      const begun = await fetch(`${world.doors[0]}/oauth-agent/login`, { redirect: 'manual' });
      const login = new URL(String(begun.headers.get('location')));
      const first = await world.alice.get(login.pathname + login.search).redirects(0);
      const callback = await follow(world, world.alice, first);
      if (!(callback instanceof URL)) throw new Error(callback);
      world.log.secret(callback.searchParams.get('code'));
      const headers = headersOf(withCookiesOf(new Map(), begun));
      let cookies: Cookies = new Map();
      const arrive = async (door: string) => {
        const answer = await fetch(door + callback.pathname + callback.search, { headers, redirect: 'manual' });
        const error = new URL(String(answer.headers.get('location'))).searchParams.get('error');
        if (error === null) cookies = withCookiesOf(new Map(), answer);
        world.log.secret(...cookies.values());
        return error ?? 'signed in';
      };
      return {
        actions: world.doors.map((door) => () => arrive(door)),
        async after() {
          const called = await fetch(`${world.doors[0]}/browser/hello`, { headers: headersOf(cookies) });
          return `${called.status}`;
        },
      };
    },
    allowed: ['invalid_grant + signed in; 401'],
  },
  {
    name: 'keys that are rotated at two servers, beside a token request',
    source: `${design}#the-authorization-server`,
    async prepare(world) {
      const rotate = async (which: 0 | 1) =>
        `${(await world.control[which]('POST', '/keys/rotation', { announceFor: 0 })).status}`;
      const jwks = async (server: string) => (await fetch(`${server}/jwks`)).text();
      const { request, lives } = tokenRequests(world);
      const form = { grant_type: 'client_credentials', resource: resourceOf('jwt'), scope: 'read' };
      const obtain = (server: string) => request(server, form, 'demo-service');
      return {
        actions: [() => rotate(0), () => rotate(1), () => obtain(world.servers[0])],
        async after() {
          for (const server of world.servers) await obtain(server);
          const [one, other] = await Promise.all(world.servers.map(jwks));
          return `${await lives('jwt')}, ${one === other ? 'the same keys' : 'other keys'}`;
        },
      };
    },
    allowed: ['201 + 201 + tokens; alive, the same keys'],
  },
];

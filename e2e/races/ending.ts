import { cookiesOf, createBrowser, REDIRECT_URI, submit } from '@tallystick/testing/sign_in';
import { until } from '@tallystick/testing/until';
import * as oidc from 'openid-client';
import { rfc } from '../requirements/source.ts';
import { call, demoBackend, introspect, serviceToken } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { resourceOf, type Style } from '../support/worlds/world.ts';
import { combinations, type Race } from './race.ts';
import type { RaceWorld } from './race_world.ts';
import { authorizationRequest, codeGrant, freshCode, freshTokens, live, revoke, tokenRequests } from './requests.ts';

const REFRESH = 'refresh_token';
const RP_INITIATED_LOGOUT = 'https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout';

/** A refresh at one server, and what ends the grant at the other: nothing may be left of it. */
function besideRefresh(
  name: string,
  source: string,
  end: (world: RaceWorld, tokens: Awaited<ReturnType<typeof freshTokens>>) => Promise<string>,
): Race {
  return {
    name: `a refresh beside ${name}`,
    source,
    async prepare(world) {
      const tokens = await freshTokens(world, 'phantom');
      const { request, got } = tokenRequests(world);
      const form = { grant_type: REFRESH, refresh_token: tokens.refreshToken };
      return {
        actions: [() => request(world.servers[0], form, 'demo-bank'), () => end(world, tokens)],
        after: () => noneLives(world, 'demo-bank', tokens.accessToken, got),
      };
    },
    allowed: combinations(['tokens', 'invalid_grant'], ['revoked']).map((said) => `${said}; dead, next invalid_grant`),
  };
}

/** Whether access tokens are good, and refresh tokens. */
async function noneLives(world: RaceWorld, client: string, first: string, got: readonly Record<string, unknown>[]) {
  const access = await live(world, 'phantom', first, ...got.map(({ access_token }) => String(access_token)));
  const { request } = tokenRequests(world);
  const words = new Set<string>();
  for (const { refresh_token } of [...got, { refresh_token: 'a token that nobody has' }]) {
    const form = { grant_type: REFRESH, refresh_token: String(refresh_token) };
    words.add(await request(world.servers[1], form, client));
  }
  return `${access}, next ${[...words].join(', ')}`;
}

/**
 * Calls at both gateways beside the revocation: they may see it or not. Some gateways may hear of it a moment after it was answered
 * (RFC 7009 section 2), but then nobody calls with the token.
 */
function callsBesideRevocation(style: Style, isCached: boolean): Race {
  return {
    name: `${isCached ? 'a cached token' : 'a cold lookup'} beside revocation: ${style}`,
    source: rfc(7009, '2'),
    async prepare(world) {
      const token = await serviceToken(world, style);
      if (isCached) await live(world, style, token);
      const ask = async (door: string) => String((await call(door, style, token)).status);
      return {
        actions: [...world.doors.map((door) => () => ask(door)), () => revoke(world.servers[1], token, 'demo-service')],
        async after() {
          await until(async () => (await live(world, style, token)) === 'dead');
          return live(world, style, token);
        },
      };
    },
    allowed: combinations(['200', '401'], ['200', '401'], ['revoked']).map((said) => `${said}; dead`),
  };
}

/** A client that registered itself, and how it leaves. */
async function register(world: RaceWorld, metadata: Partial<oidc.ClientMetadata>) {
  const options = { execute: [oidc.allowInsecureRequests] };
  const client = await oidc.dynamicClientRegistration(new URL(world.issuer), metadata, undefined, options);
  const { client_secret, registration_access_token, registration_client_uri } = client.clientMetadata();
  world.log.secret(client_secret, String(registration_access_token));
  const path = new URL(String(registration_client_uri)).pathname;
  const headers = { Authorization: `Bearer ${registration_access_token}` };
  const leave = async (server: string) => {
    const { status } = await fetch(server + path, { method: 'DELETE', headers });
    return status === 204 ? 'deleted' : `${status}`;
  };
  return { client, leave };
}

/** What openid-client gets, as a word; the load balancer sends its requests to the servers in turn. */
async function wordOf(world: RaceWorld, request: Promise<oidc.TokenEndpointResponse>, got: string[]): Promise<string> {
  try {
    const { access_token: token, refresh_token, id_token } = await request;
    world.log.secret(token, refresh_token, id_token);
    got.push(token);
    return 'tokens';
  } catch (error) {
    return error instanceof oidc.ResponseBodyError ? error.error : String(error);
  }
}

/** Alice signs in, in a browser of her own. @returns the form that signs her out */
async function logoutOf(world: RaceWorld, browser = createBrowser(world)) {
  const code = await freshCode(world, 'phantom', browser);
  const { request, got } = tokenRequests(world);
  const logOut = async () => {
    const page = await browser.get('/session/end');
    const end = () => submit(browser, page.text, { logout: 'yes' });
    return async () => {
      const { status } = await end();
      return status === 303 || status === 302 ? 'signed out' : `${status}`;
    };
  };
  return { browser, code, request, got, logOut };
}

/** What goes on while a grant, a token or a client ends. */
export const ending: readonly Race[] = [
  besideRefresh('revocation of the refresh token', rfc(7009, '2.1'), (world, { refreshToken }) =>
    revoke(world.servers[1], refreshToken, 'demo-bank'),
  ),
  besideRefresh('revocation of the access token', rfc(7009, '2.1'), (world, { accessToken }) =>
    revoke(world.servers[1], accessToken, 'demo-bank'),
  ),
  {
    name: 'a refresh beside the reuse of its code',
    source: rfc(6749, '4.1.2'),
    async prepare(world) {
      const code = await freshCode(world, 'phantom');
      const { request, got } = tokenRequests(world);
      await request(world.servers[0], code, 'portal');
      const [first] = got;
      const form = { grant_type: REFRESH, refresh_token: String(first?.refresh_token) };
      return {
        actions: [
          () => request(world.servers[0], form, 'portal'),
          async () => `code ${await request(world.servers[1], code, 'portal')}`,
        ],
        after: () => noneLives(world, 'portal', String(first?.access_token), got),
      };
    },
    allowed: ['tokens', 'invalid_grant'].map((word) => `code invalid_grant + ${word}; dead, next invalid_grant`),
  },
  {
    name: 'a refresh beside logout',
    source: RP_INITIATED_LOGOUT,
    async prepare(world) {
      const { code, request, got, logOut } = await logoutOf(world);
      await request(world.servers[0], code, 'portal');
      const form = { grant_type: REFRESH, refresh_token: String(got[0]?.refresh_token) };
      return {
        actions: [() => request(world.servers[0], form, 'portal'), await logOut()],
        after: () => noneLives(world, 'portal', String(got[0]?.access_token), got),
      };
    },
    allowed: ['tokens', 'invalid_grant'].flatMap((word) =>
      combinations([word], ['signed out']).map((said) => `${said}; dead, next invalid_grant`),
    ),
  },
  {
    name: 'a code beside logout',
    source: RP_INITIATED_LOGOUT,
    async prepare(world) {
      const { code, request, got, logOut } = await logoutOf(world);
      return {
        actions: [() => request(world.servers[0], code, 'portal'), await logOut()],
        after: () => noneLives(world, 'portal', 'a token that nobody has', got),
      };
    },
    allowed: ['tokens', 'invalid_grant'].flatMap((word) =>
      combinations([word], ['signed out']).map((said) => `${said}; dead, next invalid_grant`),
    ),
  },
  {
    name: 'an authorization request beside logout',
    source: RP_INITIATED_LOGOUT,
    async prepare(world) {
      const { browser, logOut } = await logoutOf(world);
      const confirm = await logOut();
      const query = new URLSearchParams(await authorizationRequest('phantom'));
      const copied = cookiesOf(browser, world.issuer);
      const ask = async (server: string) => {
        const answer = await fetch(`${server}/auth?${query}&prompt=none`, {
          headers: { Cookie: copied },
          redirect: 'manual',
        });
        const location = new URL(answer.headers.get('location') ?? 'about:blank', world.issuer);
        const code = location.searchParams.get('code');
        world.log.secret(code);
        return { code, error: location.searchParams.get('error') };
      };
      let code: string | null = null;
      return {
        actions: [
          async () => {
            ({ code } = await ask(world.servers[0]));
            return code === null ? 'no code' : 'code';
          },
          confirm,
        ],
        async after() {
          const { request, lives } = tokenRequests(world);
          if (code !== null) await request(world.servers[0], codeGrant(code), 'portal');
          return `${await lives('phantom')}, then ${(await ask(world.servers[1])).error}`;
        },
      };
    },
    allowed: combinations(['code', 'no code'], ['signed out']).map((said) => `${said}; dead, then login_required`),
  },
  {
    name: 'a token request beside deletion of its client',
    source: rfc(7592, '2.3'),
    async prepare(world) {
      const metadata = { grant_types: ['client_credentials'], response_types: [] };
      const { client, leave } = await register(world, metadata);
      const got: string[] = [];
      const obtain = () => oidc.clientCredentialsGrant(client, { resource: resourceOf('phantom'), scope: 'read' });
      return {
        actions: [() => wordOf(world, obtain(), got), () => leave(world.servers[1])],
        after: () => live(world, 'phantom', ...got),
      };
    },
    allowed: combinations(['tokens', 'invalid_client', 'invalid_grant'], ['deleted']).map((said) => `${said}; dead`),
  },
  {
    name: 'a refresh beside deletion of its client',
    source: rfc(7592, '2.3'),
    async prepare(world) {
      const { client, leave } = await register(world, {
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [REDIRECT_URI],
        token_endpoint_auth_method: 'client_secret_post',
      });
      const { tokens } = await signIn(world, { style: 'phantom', client });
      const got = [tokens.access_token];
      return {
        actions: [
          () => wordOf(world, oidc.refreshTokenGrant(client, String(tokens.refresh_token)), got),
          () => leave(world.servers[1]),
        ],
        after: () => live(world, 'phantom', ...got),
      };
    },
    allowed: combinations(['tokens', 'invalid_client', 'invalid_grant'], ['deleted']).map((said) => `${said}; dead`),
  },
  {
    name: 'an exchange beside revocation of its subject token',
    source: rfc(8693, '2.1'),
    async prepare(world) {
      const { accessToken } = await freshTokens(world, 'phantom');
      const got: string[] = [];
      const backend = await demoBackend(world);
      const exchange = () =>
        oidc.genericGrantRequest(backend, 'urn:ietf:params:oauth:grant-type:token-exchange', {
          subject_token: accessToken,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          resource: resourceOf('phantom'),
        });
      return {
        actions: [() => wordOf(world, exchange(), got), () => revoke(world.servers[1], accessToken, 'demo-bank')],
        after: () => live(world, 'phantom', accessToken, ...got),
      };
    },
    allowed: combinations(['tokens', 'invalid_grant', 'invalid_request'], ['revoked']).map((said) => `${said}; dead`),
  },
  {
    name: 'introspection beside revocation',
    source: rfc(7009, '2.1'),
    async prepare(world) {
      const token = await serviceToken(world, 'split');
      const ask = async (issuer: string) =>
        (await introspect({ ...world, issuer }, token)).active === true ? 'active' : 'inactive';
      return {
        actions: [
          ...world.servers.map((server) => () => ask(server)),
          () => revoke(world.servers[1], token, 'demo-service'),
        ],
        after: async () => (await Promise.all(world.servers.map(ask))).join(', '),
      };
    },
    allowed: combinations(['active', 'inactive'], ['active', 'inactive'], ['revoked']).map(
      (said) => `${said}; inactive, inactive`,
    ),
  },
  callsBesideRevocation('phantom', false),
  callsBesideRevocation('split', false),
  callsBesideRevocation('opaque', false),
  callsBesideRevocation('phantom', true),
  callsBesideRevocation('split', true),
];

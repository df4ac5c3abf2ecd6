import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { openTokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  ClockFixedError,
  type ConfigInput,
  InputError,
  NotRevocableError,
  SignInError,
  startTallystick,
  type Tallystick,
  UnknownNameError,
} from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

/** An API that answers with what it received. */
let api: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  api = await listen(
    createServer(async (request, response) => {
      const chunks = await request.toArray();
      const { method, url, headers } = request;
      response.end(JSON.stringify({ method, url, body: Buffer.concat(chunks).toString(), headers }));
    }),
  );
});
afterAll(() => api.stop());

const start = (config: ConfigInput = {}): Promise<Tallystick> =>
  startForTest(
    startTallystick({
      log: { level: 'silent' },
      apis: STYLES.map((accessTokens) => ({
        resource: resourceOf(accessTokens),
        accessTokens,
        scopes: ['read', 'write'],
        upstream: api.origin,
      })),
      ...config,
    }),
  );

interface Received {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly headers: { readonly authorization?: string };
}

const receivedOf = async (answer: Response) => (await answer.json()) as Received;
const tokenOf = ({ headers }: Received) => String(headers.authorization).replace('Bearer ', '');

describe.each(STYLES)('in the style %s', (style) => {
  test(requirement('library-calls'), async () => {
    const tally = await start();
    const answer = await tally.fetch(`/${style}/orders?open=1`, { as: 'alice', method: 'POST', body: 'an order' });
    const received = await receivedOf(answer);
    expect(received).toMatchObject({ method: 'POST', url: `/${style}/orders?open=1`, body: 'an order' });
    const token = tokenOf(received);
    if (style === 'opaque') expect(token).toMatch(/^[\w-]{43}$/);
    else expect(decodeJwt(token)).toMatchObject({ sub: 'alice', aud: resourceOf(style), scope: 'read write' });
  });

  test(requirement('library-tokens'), async () => {
    const tally = await start();
    const token = await tally.token({
      user: 'zoe',
      api: resourceOf(style),
      scopes: ['read'],
      claims: { tier: 'gold' },
      expiresIn: 60,
    });
    expect(`${token}`).toBe(token.accessToken);
    expect(token).toMatchObject({ tokenType: 'Bearer', key: expect.stringMatching(/^[\w-]{43}$/) });
    const claims = decodeJwt(String(token.jwt));
    expect(claims).toMatchObject({ sub: 'zoe', scope: 'read', tier: 'gold', exp: token.expiresAt });
    expect(token.expiresAt - Number(claims.iat)).toBe(60);
    const answer = await fetch(`${tally.gatewayUrl}/${style}`, { headers: { Authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
  });

  test(requirement('library-revokes'), async () => {
    const tally = await start();
    const token = await tally.token({ user: 'alice', api: resourceOf(style) });
    const isActive = async () => (await statusOf(tally, style, token.accessToken)) === 200;
    expect(await isActive()).toBe(true);
    if (style === 'jwt') {
      await expect(tally.revoke(token)).rejects.toThrow(NotRevocableError);
      await expect(tally.revoke(token)).rejects.toThrow(/"jwt" cannot be revoked.*valid until 20.*expire\(token\)/);
      expect(await isActive()).toBe(true);
      return;
    }
    expect(await tally.revoke(token)).toBe(true);
    expect(await isActive()).toBe(false);
    expect(await tally.revoke(token)).toBe(false);
  });

  test(requirement('library-expires'), async () => {
    const tally = await start();
    const token = await tally.token({ user: 'alice', api: resourceOf(style) });
    const later = await tally.token({ user: 'alice', api: resourceOf(style), expiresIn: 86_400 });
    await tally.expire(style === 'phantom' ? `${token}` : token);
    const statuses = [token, later].map(({ accessToken }) => statusOf(tally, style, accessToken));
    expect(await Promise.all(statuses)).toEqual([401, 200]);
  });

  test(requirement('library-rotates'), async () => {
    const tally = await start();
    const kidOf = (jwt: string | undefined) => decodeProtectedHeader(String(jwt)).kid;
    const before = await tally.token({ user: 'alice', api: resourceOf(style) });
    expect((await tally.fetch(`/${style}`, { as: 'alice' })).status).toBe(200);
    const [signing] = await tally.rotateKeys();
    expect(signing?.status).toBe('signing');
    expect(kidOf((await tally.token({ user: 'alice', api: resourceOf(style) })).jwt)).toBe(signing?.kid);
    const received = await receivedOf(await tally.fetch(`/${style}`, { as: 'alice' }));
    if (style !== 'opaque') expect(kidOf(tokenOf(received))).toBe(signing?.kid);
    expect(kidOf(before.jwt)).not.toBe(signing?.kid);
    expect((await tally.fetch(`/${style}`, { token: before })).status).toBe(200);
  });

  test(requirement('library-signs-in'), async () => {
    const tally = await start();
    const signedIn = await tally.signIn({ user: 'zoe', api: resourceOf(style), claims: { tier: 'gold' } });
    expect(signedIn).toMatchObject({ tokenType: 'Bearer', expiresIn: 300, scopes: ['openid', 'read', 'write'] });
    expect(decodeJwt(String(signedIn.idToken))).toMatchObject({ iss: tally.issuer, sub: 'zoe', aud: 'demo-web' });
    expect((await tally.fetch(`/${style}`, { token: signedIn.accessToken })).status).toBe(200);
    expect(await tally.revoke(String(signedIn.refreshToken))).toBe(true);
    if (style !== 'jwt' && style !== 'opaque')
      expect((await tally.fetch(`/${style}`, { token: signedIn.accessToken })).status).toBe(401);
  });
});

/** The status of a call. The gateway passes an opaque token on, and its API introspects it. */
async function statusOf(tally: Tallystick, style: string, token: string): Promise<number> {
  if (style !== 'opaque') return (await tally.fetch(`/${style}`, { token })).status;
  const { id = '', secret = '' } = tally.config.sampleApi.client ?? {};
  const answer = await fetch(`${tally.issuer}/token/introspection`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams({ token }),
  });
  return ((await answer.json()) as { active: boolean }).active ? 200 : 401;
}

test(requirement('library-stops', '`await using`'), async () => {
  let issuer: string;
  {
    await using tally = await startTallystick({ log: { level: 'silent' } });
    issuer = tally.issuer;
    expect((await fetch(`${issuer}/jwks`)).status).toBe(200);
  }
  await expect(fetch(`${issuer}/jwks`)).rejects.toThrow();
});

test(requirement('library-calls', 'the calls of one user share a token, until a verb makes it useless'), async () => {
  const tally = await start();
  const tokenSent = async (options: object = {}) =>
    tokenOf(await receivedOf(await tally.fetch('/split', { as: 'alice', ...options })));
  const first = await tokenSent();
  expect(await tokenSent()).toBe(first);
  expect(await tokenSent({ as: 'bob' })).not.toBe(first);
  expect(await tokenSent({ scopes: ['read'] })).not.toBe(first);
  expect(await tokenSent({ newToken: true })).not.toBe(first);
  const second = await tokenSent();
  await tally.revoke(second);
  const third = await tokenSent();
  expect(third).not.toBe(second);
  tally.clock.advance(3600);
  expect(await tokenSent()).not.toBe(third);
  await tally.reset();
  expect(await tokenSent()).not.toBe(third);
});

test(requirement('library-calls', 'without a user there is no token'), async () => {
  const tally = await start();
  expect((await tally.fetch('/phantom')).status).toBe(401);
  expect((await tally.fetch('/phantom', { client: 'demo-service' })).status).toBe(200);
  expect((await tally.fetch('/nothing')).status).toBe(404);
});

test(requirement('library-calls', 'its scopes decide'), async () => {
  const tally = await start({
    gateway: { routes: [{ prefix: '/', api: resourceOf('split'), scopes: { POST: ['write'] } }] },
  });
  const statusOf = async (scopes?: string[]) =>
    (await tally.fetch('/', { as: 'alice', method: 'POST', ...(scopes && { scopes }) })).status;
  expect([await statusOf(['read']), await statusOf(['write']), await statusOf()]).toEqual([403, 200, 200]);
});

test(requirement('library-signs-in', 'only for a refresh token or an ID token'), async () => {
  const tally = await start();
  const refreshToken = await tally.refreshToken({ user: 'zoe', api: resourceOf('split') });
  const answer = await fetch(`${tally.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'demo-web' }),
  });
  expect([answer.status, decodeJwt(await tally.idToken({ user: 'zoe' })).sub]).toEqual([200, 'zoe']);
});

describe('a misuse gets a typed error', () => {
  test.each<[string, (tally: Tallystick) => Promise<unknown>, RegExp]>([
    [
      'an unknown API',
      (tally) => tally.token({ user: 'alice', api: resourceOf('split').replace('li', 'il') }),
      /^no API ".*\/spilt"; known: ".*\/jwt", ".*\/opaque", ".*\/phantom", ".*\/split"; did you mean ".*\/split"\?$/,
    ],
    [
      'an unknown client',
      (tally) => tally.token({ client: 'demo-wbe', api: resourceOf('jwt') }),
      /^no client "demo-wbe"; known: "demo-web", .*; did you mean "demo-web"\?$/,
    ],
    [
      'an unknown client of a sign-in',
      (tally) => tally.signIn({ client: 'nobody' }),
      /^no client "nobody"; known: "demo-web", [^;]*$/,
    ],
    [
      'a path without a route',
      (tally) => tally.fetch('/spilt/orders', { as: 'alice' }),
      /^no route for "\/spilt\/orders"; known: "\/jwt", "\/opaque", "\/phantom", "\/split"$/,
    ],
    ['an unknown API of a call', (tally) => tally.fetch('/split', { as: 'alice', api: 'x' }), /^no API "x"/],
  ])(requirement('library-explains', '%s'), async (_what, misuse, message) => {
    const tally = await start();
    const error: unknown = await misuse(tally).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(UnknownNameError);
    expect(error).toMatchObject({ code: 'invalid_request', given: expect.any(String), known: expect.any(Array) });
    expect(String((error as Error).message)).toMatch(message);
  });

  test.each<[string, (tally: Tallystick) => Promise<unknown>, string]>([
    [
      'a scope that the API does not have',
      (tally) => tally.token({ api: resourceOf('jwt'), scopes: ['fly'] }),
      'scopes[0]',
    ],
    [
      'scopes without an API where there are several',
      (tally) => tally.token({ user: 'alice', scopes: ['read'] }),
      'api',
    ],
    ['neither an API nor a user', (tally) => tally.token({}), 'api'],
    [
      'the name of a client as that of a user',
      (tally) => tally.token({ user: 'demo-web', api: resourceOf('jwt') }),
      'user',
    ],
    ['a misspelt option', (tally) => tally.token({ usr: 'alice' } as object), 'usr'],
    ['a client that cannot sign users in', (tally) => tally.signIn({ client: 'demo-service' }), 'client'],
    ['a path that is none', (tally) => tally.fetch('orders', { as: 'alice' }), 'path'],
    ['an unknown token', (tally) => tally.expire('A'.repeat(43)), 'token'],
    [
      'the JWT of the API instead of the token of the client',
      async (tally) => tally.revoke(String((await tally.token({ user: 'alice', api: resourceOf('phantom') })).jwt)),
      'token',
    ],
  ])(requirement('library-explains', '%s'), async (_what, misuse, path) => {
    const tally = await start();
    const error: unknown = await misuse(tally).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ path, message: expect.stringContaining(`${path}: `) });
  });

  test(requirement('library-explains', 'a sign-in that the authorization server refuses'), async () => {
    const tally = await start();
    const refused = await tally.signIn({ scopes: ['openid'], parameters: { prompt: 'none' } }).catch((error) => error);
    expect(refused).toBeInstanceOf(SignInError);
    expect(refused.code).toBe('login_required');
    await expect(tally.signIn({ redirectUri: 'https://elsewhere.example' })).rejects.toThrow(
      /status 400: .*redirect_uri/,
    );
  });

  test(requirement('library-explains', 'a clock that cannot be moved'), async () => {
    const store = await openTokenStore(storeConfig());
    const tally = await startForTest(
      startTallystick({ config: { log: { level: 'silent' }, apis: [api.origin] }, store }),
    );
    await expect(tally.expire(await tally.token({ user: 'alice' }))).rejects.toThrow(ClockFixedError);
  });
});

test(requirement('library-signs-in', 'a permissive issuer needs no client'), async () => {
  const tally = await start({ permissive: true, clients: [] });
  expect((await tally.fetch('/split', { as: 'alice' })).status).toBe(200);
  expect(
    (await tally.signIn({ user: 'zoe', client: 'my-app', api: 'https://other.example', scopes: ['x'] })).scopes,
  ).toContain('x');
});

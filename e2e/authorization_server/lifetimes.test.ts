import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Browser, createBrowser, discover, open, REDIRECT_URI, submit } from '@tallystick/testing/sign_in';
import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { decide, demoBank, pollBackchannel, startBackchannel } from '../support/clients/backchannel.ts';
import { call, demoWeb, introspect, serviceToken } from '../support/clients/clients.ts';
import { connectDevice, demoTv, pollDevice, startDevice } from '../support/clients/device.ts';
import { authorize, signIn } from '../support/clients/sign_in.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { resourceOf } from '../support/worlds/world.ts';

/** Lifetimes in seconds. They all differ, so a test notices when one is used for another. */
const LIFETIMES = {
  accessToken: 1_000,
  authorizationCode: 100,
  refreshToken: 5_000,
  idToken: 300,
  session: 7_000,
  grant: 20_000,
  deviceCode: 400,
  backchannelRequest: 500,
  interaction: 600,
  unusedRegistration: 800,
};

let world: Controlled;
beforeAll(async () => {
  world = await startControlled((config) => ({
    ...config,
    lifetimes: LIFETIMES,
    clients: [
      ...config.clients,
      {
        id: 'brief',
        secret: 'brief-secret',
        grants: ['authorization_code', 'refresh_token', 'client_credentials'],
        redirectUris: [REDIRECT_URI],
        lifetimes: { accessToken: 20, refreshToken: 30, idToken: 40 },
      },
    ],
  }));
});
afterAll(() => world.stop());
afterEach(() => world.tallystick.clock.reset());

/** Runs one function just before a number of seconds have passed, and the other one just after. */
async function around(seconds: number, before: () => unknown, after: () => Promise<unknown>): Promise<void> {
  world.tallystick.clock.advance(seconds - 20);
  await before();
  world.tallystick.clock.advance(21);
  await after();
}

/** OpenID Connect Core section 3.1.2.1: without a page, a signed-in user gets a code, others get `login_required`. */
async function isSignedIn(browser: Browser): Promise<boolean> {
  const url = oidc.buildAuthorizationUrl(await demoWeb(world), {
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile email',
    prompt: 'none',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  });
  const answer = await open(browser, url);
  const { searchParams } = new URL(String(answer.headers.location));
  expect(searchParams.has('code') || searchParams.get('error')).toBe(searchParams.has('code') || 'login_required');
  return searchParams.has('code');
}

describe('the configured lifetime applies to:', () => {
  test(requirement('lifetimes', 'code'), async () => {
    const redeem = async (seconds: number) => {
      const { client, callback, checks } = await authorize(world);
      world.tallystick.clock.advance(seconds);
      return oidc.authorizationCodeGrant(client, callback, checks);
    };
    const { access_token: token, refresh_token: refresh, id_token: idToken } = await redeem(80);
    world.log.secret(token, refresh, idToken);
    await expect(redeem(101)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test(requirement('lifetimes', 'access token for userinfo, ID token'), async () => {
    const { client, tokens } = await signIn(world);
    expect(tokens.expires_in).toBe(LIFETIMES.accessToken);
    const claims = tokens.claims();
    expect(Number(claims?.exp) - Number(claims?.iat)).toBe(LIFETIMES.idToken);
    const userinfo = () => oidc.fetchUserInfo(client, tokens.access_token, 'alice');
    await around(LIFETIMES.accessToken, userinfo, () => expect(userinfo()).rejects.toMatchObject({ status: 401 }));
  });

  test(requirement('lifetimes', 'refresh token, counted from its rotation'), async () => {
    const { client, tokens } = await signIn(world, { style: 'phantom' });
    let { refresh_token: refreshToken } = tokens;
    const refresh = async () => {
      const refreshed = await oidc.refreshTokenGrant(client, String(refreshToken));
      refreshToken = refreshed.refresh_token;
      world.log.secret(refreshed.access_token, refreshToken, refreshed.id_token);
    };
    const refused = () => expect(refresh()).rejects.toMatchObject({ error: 'invalid_grant' });
    await around(LIFETIMES.refreshToken, refresh, refresh);
    world.tallystick.clock.advance(LIFETIMES.refreshToken + 1);
    await refused();
  });

  test(requirement('lifetimes', 'grant, together with its refresh tokens'), async () => {
    const { client, tokens } = await signIn(world, {
      style: 'phantom',
      scope: 'openid offline_access read',
      parameters: { prompt: 'consent' },
    });
    let { refresh_token: refreshToken } = tokens;
    const refresh = async () => {
      const refreshed = await oidc.refreshTokenGrant(client, String(refreshToken));
      refreshToken = refreshed.refresh_token;
      world.log.secret(refreshed.access_token, refreshToken, refreshed.id_token);
    };
    for (let seconds = 0; seconds + 4_000 < LIFETIMES.grant; seconds += 4_000) {
      world.tallystick.clock.advance(4_000);
      await refresh();
    }
    world.tallystick.clock.advance(4_001);
    await expect(refresh()).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test(requirement('lifetimes', 'session'), async () => {
    const { browser } = await signIn(world);
    expect(await isSignedIn(browser)).toBe(true); // Each use extends the session.
    world.tallystick.clock.advance(LIFETIMES.session + 1);
    expect(await isSignedIn(browser)).toBe(false);
  });

  test(requirement('lifetimes', 'interaction'), async () => {
    const openLogin = async () => {
      const browser = createBrowser(world);
      const url = oidc.buildAuthorizationUrl(await demoWeb(world), {
        redirect_uri: REDIRECT_URI,
        scope: 'openid',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      });
      const { headers } = await open(browser, url);
      const page = (await browser.get(String(headers.location))).text;
      return async () => (await submit(browser, page, { user: 'alice' })).status;
    };
    const [inTime, tooLate] = [await openLogin(), await openLogin()];
    await around(
      LIFETIMES.interaction,
      async () => expect(await inTime()).toBe(303),
      async () => expect(await tooLate()).toBe(400),
    );
  });

  test(requirement('lifetimes', 'registration of a client that was never issued a token'), async () => {
    const options = { execute: [oidc.allowInsecureRequests] };
    const add = async () => {
      const metadata = { redirect_uris: [REDIRECT_URI] };
      const client = await oidc.dynamicClientRegistration(new URL(world.issuer), metadata, undefined, options);
      const { client_secret, registration_access_token } = client.clientMetadata();
      world.log.secret(client_secret, String(registration_access_token));
      return client;
    };
    const read = async (client: oidc.Configuration) => {
      const { registration_access_token: token, registration_client_uri: uri } = client.clientMetadata();
      return (await fetch(String(uri), { headers: { Authorization: `Bearer ${token}` } })).status;
    };
    const [used, unused] = [await add(), await add()];
    await signIn(world, { client: used, style: 'phantom' });
    await around(
      LIFETIMES.unusedRegistration,
      async () => expect([await read(used), await read(unused)]).toEqual([200, 200]),
      async () => expect([await read(used), await read(unused)]).toEqual([200, 401]),
    );
    await signIn(world, { client: used, style: 'phantom' });
    await expect(signIn(world, { client: unused })).rejects.toThrow('400');
  });

  test(requirement('lifetimes', 'a session without a sign-in'), async () => {
    const browser = createBrowser(world);
    const sessionOf = ({ headers }: { headers: Record<string, string> }) =>
      [headers['set-cookie'] ?? []]
        .flat()
        .find((cookie) => cookie.startsWith('_session='))
        ?.split(';')[0];
    const first = sessionOf(await browser.get('/session/end'));
    expect(first).toBeDefined();
    expect(sessionOf(await browser.get('/session/end'))).toBe(first);
    world.tallystick.clock.advance(LIFETIMES.interaction + 1);
    const second = sessionOf(await browser.get('/session/end'));
    expect(second).toBeDefined();
    expect(second).not.toBe(first);
  });

  test(requirement('lifetimes', 'device code'), async () => {
    const client = await demoTv(world);
    const [inTime, tooLate] = [await startDevice(world, client, 'jwt'), await startDevice(world, client, 'jwt')];
    expect(inTime.expires_in).toBe(LIFETIMES.deviceCode);
    await around(
      LIFETIMES.deviceCode,
      async () => {
        await connectDevice(world, inTime);
        await pollDevice(world, client, inTime);
      },
      () => expect(pollDevice(world, client, tooLate)).rejects.toMatchObject({ status: 400 }),
    );
  });

  test(requirement('lifetimes', 'backchannel request, or the shorter time that it requests'), async () => {
    const client = await demoBank(world);
    const request = { style: 'jwt', user: 'alice', message: 'in time' } as const;
    const inTime = await startBackchannel(world, client, request);
    expect(inTime.expires_in).toBe(LIFETIMES.backchannelRequest);
    const less = await startBackchannel(world, client, request, { login_hint: 'alice', requested_expiry: '30' });
    expect(less.expires_in).toBe(30);
    const tooLate = await startBackchannel(world, client, { ...request, message: 'too late' });
    await around(
      LIFETIMES.backchannelRequest,
      async () => {
        await decide(world, { ...request, decision: 'approve' });
        await pollBackchannel(world, client, inTime);
      },
      () => expect(pollBackchannel(world, client, tooLate)).rejects.toMatchObject({ status: 400 }),
    );
  });
});

test(requirement('lifetimes', 'lifetimes of one client'), async () => {
  const client = await discover(world, 'brief', 'brief-secret', oidc.ClientSecretBasic('brief-secret'));
  const { tokens } = await signIn(world, { client, style: 'split' });
  const claims = tokens.claims();
  expect([tokens.expires_in, Number(claims?.exp) - Number(claims?.iat)]).toEqual([20, 40]);
  const own = await oidc.clientCredentialsGrant(client, { resource: resourceOf('jwt') });
  world.log.secret(own.access_token);
  const { exp, iat } = decodeJwt(own.access_token);
  expect([own.expires_in, Number(exp) - Number(iat)]).toEqual([20, 20]);
  const minted = await world.mint('opaque', { client: 'brief' });
  const other = await serviceToken(world, 'opaque');
  const refresh = () => oidc.refreshTokenGrant(client, String(tokens.refresh_token));

  world.tallystick.clock.advance(21);
  expect((await call(world.gateways[0], 'split', tokens.access_token)).status).toBe(401);
  expect(await introspect(world, minted.accessToken)).toEqual({ active: false });
  expect(await introspect(world, other)).toMatchObject({ active: true });
  world.tallystick.clock.advance(10);
  await expect(refresh()).rejects.toMatchObject({ error: 'invalid_grant' });
});

import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { discover, REDIRECT_URI, submit } from '@tallystick/testing/sign_in';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import type { World } from '../support/worlds/world.ts';

let world: World;
let application: ListeningServer;
const received: string[] = [];

beforeAll(async () => {
  application = await listen(
    createServer(async (request, response) => {
      received.push(await text(request));
      response.end();
    }),
  );
  const metadata = {
    backchannel_logout_uri: `${application.origin}/logout`,
    backchannel_logout_session_required: true,
  };
  const shop = { id: 'shop', grants: ['authorization_code' as const], redirectUris: [REDIRECT_URI], metadata };
  world = await startOneProcess((config) => ({ ...config, clients: [...config.clients, shop] }));
});
afterAll(async () => {
  await world?.stop();
  await application?.stop();
});

test(requirement('back-channel-logout'), async () => {
  const client = await discover(world, 'shop', undefined, oidc.None());
  const { tokens, browser } = await signIn(world, { client, style: 'phantom' });
  const sid = tokens.claims()?.sid;
  expect(sid).toEqual(expect.any(String));

  const page = await browser.get('/session/end').query({ client_id: 'shop' });
  await submit(browser, page.text, { logout: 'yes' });

  expect(received).toHaveLength(1);
  const logoutToken = String(new URLSearchParams(received[0]).get('logout_token'));
  const keys = createRemoteJWKSet(new URL(`${world.issuer}/jwks`));
  const { payload } = await jwtVerify(logoutToken, keys, { issuer: world.issuer, audience: 'shop', typ: 'logout+jwt' });
  expect(payload).toMatchObject({ sub: 'alice', sid });
  expect(payload.events).toEqual({ 'http://schemas.openid.net/event/backchannel-logout': {} });
  expect((await call(world.gateways[0], 'phantom', tokens.access_token)).status).toBe(401);
});

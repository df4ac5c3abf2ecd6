import { expect, test } from '@jest/globals';
import { open, submit } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoService, serviceToken } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import type { Style, World } from '../support/worlds/world.ts';

const REVOCABLE = ['phantom', 'split'] as const;

inBothWorlds((world) => {
  test.each(REVOCABLE)(requirement('revocation-of-a-token', '%s'), async (style) => {
    const token = await serviceToken(world(), style);
    await cacheEverywhere(world(), style, token);
    await oidc.tokenRevocation(await demoService(world()), token);
    await expectRefusedEverywhere(world(), style, token);
  });

  test.each(REVOCABLE)(requirement('revocation-of-a-grant', '%s'), async (style) => {
    const { client, tokens } = await signIn(world(), { style });
    const renewed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
    world().log.secret(renewed.access_token, renewed.refresh_token);
    await cacheEverywhere(world(), style, tokens.access_token);
    await cacheEverywhere(world(), style, renewed.access_token);
    await oidc.tokenRevocation(client, String(renewed.refresh_token));
    await expectRefusedEverywhere(world(), style, tokens.access_token);
    await expectRefusedEverywhere(world(), style, renewed.access_token);
  });

  test.each(REVOCABLE)(requirement('revocation-by-logout', '%s'), async (style) => {
    const { client, tokens, browser } = await signIn(world(), { style });
    await cacheEverywhere(world(), style, tokens.access_token);
    const url = oidc.buildEndSessionUrl(client, {
      id_token_hint: String(tokens.id_token),
      post_logout_redirect_uri: 'http://127.0.0.1:53682/',
    });
    const page = await open(browser, url);
    const done = await submit(browser, page.text);
    expect(done.headers.location).toBe('http://127.0.0.1:53682/');
    await expectRefusedEverywhere(world(), style, tokens.access_token);
  });

  test('a token that is not revoked keeps working', async () => {
    const [kept, revoked] = [await serviceToken(world(), 'phantom'), await serviceToken(world(), 'phantom')];
    await cacheEverywhere(world(), 'phantom', kept);
    await oidc.tokenRevocation(await demoService(world()), revoked);
    await cacheEverywhere(world(), 'phantom', kept);
  });
});

async function cacheEverywhere({ gateways }: World, style: Style, token: string) {
  for (const gateway of gateways) {
    expect((await call(gateway, style, token)).status).toBe(200);
    expect((await call(gateway, style, token)).status).toBe(200);
  }
}

async function expectRefusedEverywhere({ gateways }: World, style: Style, token: string) {
  for (const gateway of gateways) {
    const refused = await call(gateway, style, token);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
  }
}

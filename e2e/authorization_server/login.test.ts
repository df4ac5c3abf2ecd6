import { expect, test } from '@jest/globals';
import { createBrowser, open, REDIRECT_URI } from '@tallystick/testing/sign_in';
import { until } from '@tallystick/testing/until';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, shown } from '../support/clients/clients.ts';
import { authorize, signIn } from '../support/clients/sign_in.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

inBothWorlds((world) => {
  test(requirement('code-flow', 'userinfo'), async () => {
    const { client, tokens } = await signIn(world());
    const claims = tokens.claims();
    expect(claims?.sub).toBe('alice');
    const userinfo = await oidc.fetchUserInfo(client, tokens.access_token, 'alice');
    expect(userinfo).toMatchObject({ sub: 'alice', name: 'Alice Adams', email: 'alice@example.com' });
  });

  test.each(STYLES)(requirement('code-flow', '%s'), async (style) => {
    const { client, tokens } = await signIn(world(), { style });
    expect((await call(world().gateways[0], style, tokens.access_token)).status).toBe(200);
    const renewed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
    world().log.secret(renewed.access_token, renewed.refresh_token);
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
    expect((await call(world().gateways[0], style, renewed.access_token)).status).toBe(200);
  });

  test.each(STYLES)(requirement('claims-of-the-user', '%s'), async (style) => {
    const { tokens } = await signIn(world(), { style, user: 'bob' });
    const { claims } = await shown(world().gateways[0], style, tokens.access_token);
    expect(claims).toMatchObject({
      sub: 'bob',
      client_id: 'demo-web',
      email: 'bob@example.com',
      ssn: '219-09-9999',
      role: 'clerk',
    });
  });

  test(requirement('loopback-any-port'), async () => {
    for (const redirectUri of [
      'http://127.0.0.1:1/callback',
      'http://127.0.0.1:65535/callback',
      'http://localhost:4300/callback',
    ]) {
      const { callback } = await authorize(world(), { redirectUri });
      expect(callback.href.startsWith(redirectUri)).toBe(true);
      expect(callback.searchParams.get('iss')).toBe(world().issuer);
    }
  });

  test(requirement('pkce-is-required'), async () => {
    const query = { client_id: 'demo-web', response_type: 'code', scope: 'openid', redirect_uri: REDIRECT_URI };
    const answer = await open(createBrowser(world()), `/auth?${new URLSearchParams(query)}`);
    expect(answer.status).toBe(303);
    const error = new URL(String(answer.headers.location)).searchParams;
    expect(error.get('error')).toBe('invalid_request');
    expect(error.get('error_description')).toMatch(/PKCE/);
  });

  test(requirement('code-once', 'one after the other'), async () => {
    const { client, callback, checks } = await authorize(world(), { style: 'phantom' });
    const tokens = await oidc.authorizationCodeGrant(client, callback, checks);
    world().log.secret(tokens.access_token, tokens.refresh_token);
    await expect(oidc.authorizationCodeGrant(client, callback, checks)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    expect((await call(world().gateways[0], 'phantom', tokens.access_token)).status).toBe(401);
  });

  test(requirement('code-once', 'at the same time'), async () => {
    const { client, callback, checks } = await authorize(world(), { style: 'phantom' });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => oidc.authorizationCodeGrant(client, callback, checks)),
    );
    for (const outcome of outcomes)
      if (outcome.status === 'fulfilled') world().log.secret(outcome.value.access_token, outcome.value.refresh_token);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled').length).toBeLessThanOrEqual(1);
  });

  test(requirement('refresh-rotates'), async () => {
    const { client, tokens } = await signIn(world(), { style: 'split' });
    const renewed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
    world().log.secret(renewed.access_token, renewed.refresh_token);
    // Within the grace period (`authorizationServer.reuseGrace`) reuse is only refused. Afterwards it counts as theft.
    await until(async () => {
      await expect(oidc.refreshTokenGrant(client, String(tokens.refresh_token))).rejects.toMatchObject({
        error: 'invalid_grant',
      });
      return (await call(world().gateways[0], 'split', renewed.access_token)).status === 401;
    });
    await expect(oidc.refreshTokenGrant(client, String(renewed.refresh_token))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    for (const gateway of world().gateways)
      expect((await call(gateway, 'split', renewed.access_token)).status).toBe(401);
  });

  test(requirement('one-resource-per-request', 'authorization endpoint'), async () => {
    for (const resources of [[resourceOf('phantom'), resourceOf('split')], ['https://api.example.com/none']]) {
      const query = new URLSearchParams({
        client_id: 'demo-web',
        response_type: 'code',
        scope: 'openid read',
        redirect_uri: REDIRECT_URI,
      });
      query.set('code_challenge', 'A'.repeat(43));
      query.set('code_challenge_method', 'S256');
      for (const resource of resources) query.append('resource', resource);
      const answer = await open(createBrowser(world()), `/auth?${query}`);
      expect(new URL(String(answer.headers.location)).searchParams.get('error')).toBe('invalid_target');
    }
  });
});

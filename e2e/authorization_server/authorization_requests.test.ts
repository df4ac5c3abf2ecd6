import { expect, test } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoService, demoWeb, introspect, issuedClaims } from '../support/clients/clients.ts';
import { authorize, type SignInOptions, signIn } from '../support/clients/sign_in.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

const PAYMENT = { type: 'payment', actions: ['initiate'], instructedAmount: { currency: 'EUR', amount: '123.50' } };

inBothWorlds((world) => {
  test(requirement('pushed-authorization-request'), async () => {
    const { tokens } = await signIn(world(), { style: 'phantom', send: oidc.buildAuthorizationUrlWithPAR });
    expect((await call(world().gateways[0], 'phantom', tokens.access_token)).status).toBe(200);
  });

  test(requirement('jwt-response-mode'), async () => {
    const client = await demoWeb(world());
    oidc.useJwtResponseMode(client);
    const { callback, checks } = await authorize(world(), { style: 'split', client });
    expect([...callback.searchParams.keys()]).toEqual(['response']);
    const tokens = await oidc.authorizationCodeGrant(client, callback, checks);
    world().log.secret(tokens.access_token, tokens.refresh_token, callback.searchParams.get('response'));
    expect((await call(world().gateways[0], 'split', tokens.access_token)).status).toBe(200);
  });

  test.each(STYLES)(requirement('authorization-details', 'code, %s'), async (style) => {
    const parameters = { authorization_details: JSON.stringify([PAYMENT]) };
    const { client, tokens } = await signIn(world(), { style, parameters });
    expect(tokens.authorization_details).toEqual([PAYMENT]);
    expect((await issuedClaims(world(), style, tokens.access_token)).authorization_details).toEqual([PAYMENT]);
    if (style !== 'jwt') {
      expect((await introspect(world(), tokens.access_token)).authorization_details).toEqual([PAYMENT]);
    }
    const renewed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
    world().log.secret(renewed.access_token, renewed.refresh_token);
    expect((await issuedClaims(world(), style, renewed.access_token)).authorization_details).toEqual([PAYMENT]);
  });

  test.each(STYLES)(requirement('authorization-details', 'client credentials, %s'), async (style) => {
    const tokens = await oidc.clientCredentialsGrant(await demoService(world()), {
      resource: resourceOf(style),
      authorization_details: JSON.stringify([PAYMENT]),
    });
    world().log.secret(tokens.access_token);
    expect((await issuedClaims(world(), style, tokens.access_token)).authorization_details).toEqual([PAYMENT]);
  });

  test(requirement('authorization-details', 'can be narrowed, never widened'), async () => {
    const other = { ...PAYMENT, actions: ['status'] };
    const parameters = { authorization_details: JSON.stringify([PAYMENT, other]) };
    const { client, tokens } = await signIn(world(), { style: 'phantom', parameters });
    const refresh = (token: unknown, details: object[]) =>
      oidc.refreshTokenGrant(client, String(token), {
        resource: resourceOf('phantom'),
        authorization_details: JSON.stringify(details),
      });
    const narrowed = await refresh(tokens.refresh_token, [other]);
    world().log.secret(narrowed.access_token, narrowed.refresh_token);
    expect((await issuedClaims(world(), 'phantom', narrowed.access_token)).authorization_details).toEqual([other]);
    await expect(refresh(narrowed.refresh_token, [{ ...other, actions: ['all'] }])).rejects.toMatchObject({
      error: 'invalid_authorization_details',
      status: 400,
    });
  });

  test.each([
    ['of a type that no API knows', JSON.stringify([{ type: 'none' }])],
    ['for another API', JSON.stringify([{ type: 'payment', locations: ['https://api.example.com/other'] }])],
    ['that are no JSON', '[{'],
    ['that are no list', '{"type":"payment"}'],
  ])(requirement('authorization-details', 'refused: %s'), async (_what, details) => {
    const request = oidc.clientCredentialsGrant(await demoService(world()), {
      resource: resourceOf('jwt'),
      authorization_details: details,
    });
    await expect(request).rejects.toMatchObject({ error: 'invalid_authorization_details', status: 400 });
  });

  test(requirement('claims-parameter'), async () => {
    const parameters = { claims: JSON.stringify({ id_token: { email: null }, userinfo: { ssn: null } }) };
    const { client, tokens } = await signIn(world(), { parameters });
    expect(tokens.claims()?.email).toBe('alice@example.com');
    expect(await oidc.fetchUserInfo(client, tokens.access_token, 'alice')).toMatchObject({ ssn: '078-05-1120' });
  });

  test.each(STYLES)(requirement('access-token-tells-the-sign-in', '%s'), async (style) => {
    const before = Math.floor(Date.now() / 1000);
    const parameters = { acr_values: 'urn:tallystick:acr:high', max_age: '3600' };
    const { client, tokens } = await signIn(world(), { style, parameters });
    const claims = await issuedClaims(world(), style, tokens.access_token);
    expect(claims).toMatchObject({ acr: 'urn:tallystick:acr:high', auth_time: expect.any(Number), amr: ['user'] });
    expect(claims.auth_time).toBeGreaterThanOrEqual(before);
    expect(tokens.claims()).toMatchObject({ acr: claims.acr, auth_time: claims.auth_time });
    const renewed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token));
    world().log.secret(renewed.access_token, renewed.refresh_token);
    const { acr, auth_time } = await issuedClaims(world(), style, renewed.access_token);
    expect({ acr, auth_time }).toEqual({ acr: claims.acr, auth_time: claims.auth_time });
    if (style !== 'jwt') expect(await introspect(world(), renewed.access_token)).toMatchObject({ acr, auth_time });
  });

  test.each(STYLES)(requirement('dpop-bound', '%s'), async (style) => {
    const keys = await generateKeyPair('ES256');
    const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey));
    const client = await demoWeb(world());
    const { tokens } = await signIn(world(), { style, client, dpop: oidc.getDPoPHandle(client, keys) });
    expect(tokens.token_type).toBe('dpop');
    expect((await issuedClaims(world(), style, tokens.access_token)).cnf).toEqual({ jkt });
    if (style !== 'jwt') expect((await introspect(world(), tokens.access_token)).cnf).toEqual({ jkt });
    // The gateway forwards opaque tokens without a check; the API checks them.
    expect((await call(world().gateways[0], style, tokens.access_token)).status).toBe(401);
    const url = new URL(`${world().gateways[0]}/${style}/hello`);
    const proving = { DPoP: oidc.getDPoPHandle(client, keys) };
    const answer = await oidc.fetchProtectedResource(client, tokens.access_token, url, 'GET', null, undefined, proving);
    expect(answer.status).toBe(200);

    await expect(oidc.refreshTokenGrant(client, String(tokens.refresh_token))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    const DPoP = oidc.getDPoPHandle(client, keys);
    const renewed = await oidc.refreshTokenGrant(client, String(tokens.refresh_token), undefined, { DPoP });
    world().log.secret(renewed.access_token, renewed.refresh_token);
    expect((await issuedClaims(world(), style, renewed.access_token)).cnf).toEqual({ jkt });
  });

  test.each(STYLES)(requirement('dpop-bound', 'from the pushed request on: %s'), async (style) => {
    const keys = await generateKeyPair('ES256');
    const client = await demoWeb(world());
    const dpop = oidc.getDPoPHandle(client, keys);
    const send: SignInOptions['send'] = (as, parameters) =>
      oidc.buildAuthorizationUrlWithPAR(as, parameters, { DPoP: dpop });
    const { tokens } = await signIn(world(), { style, client, dpop, send });
    const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey));
    expect((await issuedClaims(world(), style, tokens.access_token)).cnf).toEqual({ jkt });

    const other = oidc.getDPoPHandle(client, await generateKeyPair('ES256'));
    await expect(signIn(world(), { style, client, dpop: other, send })).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  test.each(STYLES)(requirement('dpop-bound', 'client credentials, %s'), async (style) => {
    const keys = await generateKeyPair('EdDSA');
    const client = await demoService(world());
    const options = { DPoP: oidc.getDPoPHandle(client, keys) };
    const tokens = await oidc.clientCredentialsGrant(client, { resource: resourceOf(style), scope: 'read' }, options);
    world().log.secret(tokens.access_token);
    const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey));
    expect((await issuedClaims(world(), style, tokens.access_token)).cnf).toEqual({ jkt });
  });

  test(requirement('issuer-in-the-response', 'also in an error response'), async () => {
    const { callback } = await authorize(world(), { parameters: { prompt: 'none' } });
    expect(callback.searchParams.get('error')).toBe('login_required');
    expect(callback.searchParams.get('iss')).toBe(world().issuer);
  });

  test(requirement('issuer-in-the-response'), async () => {
    const { callback } = await authorize(world());
    expect(callback.searchParams.get('iss')).toBe(world().issuer);
  });
});

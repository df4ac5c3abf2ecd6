import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { discover, REDIRECT_URI } from '@tallystick/testing/sign_in';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call } from '../support/clients/clients.ts';
import { authorize, signIn } from '../support/clients/sign_in.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type World } from '../support/worlds/world.ts';

let world: World;
let client: oidc.Configuration;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let otherKeys: Awaited<ReturnType<typeof generateKeyPair>>;

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true });
  otherKeys = await generateKeyPair('ES256', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'bank', alg: 'ES256', use: 'sig' }] };
  world = await startOneProcess((config) => ({
    ...config,
    clients: [
      ...config.clients,
      {
        id: 'bank',
        grants: ['authorization_code', 'client_credentials', 'refresh_token'],
        redirectUris: [REDIRECT_URI],
        metadata: { token_endpoint_auth_method: 'private_key_jwt', jwks, require_signed_request_object: true },
      },
    ],
  }));
  client = await bank(keys.privateKey);
});
afterAll(() => world?.stop());

const bank = (privateKey: CryptoKey) =>
  discover(world, 'bank', undefined, oidc.PrivateKeyJwt({ key: privateKey, kid: 'bank' }));

const withJar = (key: CryptoKey) => (as: oidc.Configuration, parameters: Record<string, string>) =>
  oidc.buildAuthorizationUrlWithJAR(as, parameters, { key, kid: 'bank' });

test.each(STYLES)(requirement('private-key-jwt', '%s'), async (style) => {
  const tokens = await oidc.clientCredentialsGrant(client, { resource: resourceOf(style), scope: 'read' });
  world.log.secret(tokens.access_token);
  expect((await call(world.gateways[0], style, tokens.access_token)).status).toBe(200);
});

test(requirement('private-key-jwt', 'another key is refused'), async () => {
  const impostor = await bank(otherKeys.privateKey);
  await expect(oidc.clientCredentialsGrant(impostor, { resource: resourceOf('jwt') })).rejects.toMatchObject({
    error: 'invalid_client',
    status: 401,
  });
});

test.each([
  ['a minute', 60, 200],
  ['a part of a second more', 60.5, 200],
  ['a day', 86_400, 401],
  ['longer than any store can remember', 1e300, 401],
])(requirement('private-key-jwt', 'an assertion that is valid for %s'), async (_how, seconds, status) => {
  const claims = { iss: 'bank', sub: 'bank', aud: world.issuer, jti: randomUUID(), exp: Date.now() / 1000 + seconds };
  const assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'bank' }).sign(keys.privateKey);
  const form = {
    grant_type: 'client_credentials',
    resource: resourceOf('jwt'),
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
  const answer = await fetch(`${world.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token: token, ...body } = (await answer.json()) as Record<string, string>;
  world.log.secret(assertion, String(token));
  expect(answer.status).toBe(status);
  if (status === 401) {
    const description = 'the client_assertion is valid for more than 3600 seconds';
    expect(body).toEqual({ error: 'invalid_client', error_description: description });
  }
});

test(requirement('signed-request'), async () => {
  const { tokens } = await signIn(world, { style: 'phantom', client, send: withJar(keys.privateKey) });
  expect((await call(world.gateways[0], 'phantom', tokens.access_token)).status).toBe(200);
});

test(requirement('signed-request', 'another key is refused, and so is an unsigned request'), async () => {
  for (const send of [withJar(otherKeys.privateKey), oidc.buildAuthorizationUrl]) {
    const { callback } = await authorize(world, { client, send });
    expect(callback.searchParams.get('error')).toMatch(/^invalid_request(_object)?$/);
    expect(callback.searchParams.get('code')).toBeNull();
  }
});

test.each([
  [{ token_endpoint_auth_method: 'private_key_jwt' }, 'jwks or jwks_uri is mandatory for this client'],
  [{ subject_type: 'secret' }, 'subject_type must be'],
])(requirement('config-explains', 'client metadata %j'), async (metadata, explanation) => {
  const started = startOneProcess((config) => ({ ...config, clients: [...config.clients, { id: 'bank', metadata }] }));
  await expect(started).rejects.toThrow(new RegExp(`clients\\[7\\]\\.metadata: .*${explanation}`));
});

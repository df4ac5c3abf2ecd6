import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, introspect, issuedClaims } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type World } from '../support/worlds/world.ts';

inBothWorlds((world) => {
  const register = (metadata: Partial<oidc.ClientMetadata>) => registerAt(world(), metadata);

  const manage = async (method: string, client: oidc.Configuration, body?: object, token?: string) => {
    const { registration_client_uri: uri, registration_access_token: held } = client.clientMetadata();
    return fetch(String(uri), {
      method,
      headers: { Authorization: `Bearer ${token ?? held}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
  };

  test.each(STYLES)(requirement('client-registers-itself', '%s'), async (style) => {
    const client = await register({ redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'client_secret_post' });
    const { tokens } = await signIn(world(), { style, client });
    expect((await call(world().gateways[0], style, tokens.access_token)).status).toBe(200);
  });

  test(requirement('registered-without-user', 'at registration and by a change'), async () => {
    const asked = { redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'client_credentials'] };
    const answer = await fetch(`${world().issuer}/reg`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(asked),
    });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: 'invalid_client_metadata', error_description: expect.stringContaining('client_credentials') },
    ]);

    const client = await register({ redirect_uris: [REDIRECT_URI] });
    const { client_id, client_secret } = client.clientMetadata();
    const changed = await manage('PUT', client, { client_id, client_secret, ...asked });
    expect([changed.status, await changed.json()]).toMatchObject([400, { error: 'invalid_client_metadata' }]);
    const granting = oidc.clientCredentialsGrant(client, { resource: resourceOf('jwt'), scope: 'read' });
    await expect(granting).rejects.toMatchObject({ error: 'unauthorized_client' });
  });

  test(requirement('client-registers-itself', 'a client reads, changes and deletes its registration'), async () => {
    const client = await register({ redirect_uris: [REDIRECT_URI], client_name: 'First' });
    const read = (await (await manage('GET', client)).json()) as Record<string, unknown>;
    expect(read).toMatchObject({ client_id: client.clientMetadata().client_id, client_name: 'First' });
    expect((await manage('GET', client, undefined, 'wrong')).status).toBe(401);

    const { registration_access_token: _token, registration_client_uri: _uri, ...metadata } = read;
    for (const name of ['client_secret_expires_at', 'client_id_issued_at']) delete metadata[name];
    const changed = await manage('PUT', client, { ...metadata, client_name: 'Second' });
    const { registration_access_token: next, client_name } = (await changed.json()) as Record<string, string>;
    world().log.secret(next);
    expect([changed.status, client_name]).toEqual([200, 'Second']);
    expect((await manage('GET', client)).status).toBe(401); // The token was replaced.

    expect((await manage('DELETE', client, undefined, next)).status).toBe(204);
    await expect(oidc.clientCredentialsGrant(client, { resource: resourceOf('jwt') })).rejects.toMatchObject({
      error: 'invalid_client',
    });
  });

  test.each([
    [{ redirect_uris: [] }],
    [{ redirect_uris: ['javascript:alert(1)'] }],
    [{ grant_types: ['magic'], response_types: [] }],
    [{ redirect_uris: ['https://app.example.com/'], subject_type: 'secret' }],
  ])(requirement('client-registers-itself', 'refused: %j'), async (metadata) => {
    const answer = await fetch(`${world().issuer}/reg`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(metadata),
    });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: string }).error).toMatch(/^invalid_(client_metadata|redirect_uri)$/);
  });

  test.each(STYLES)(requirement('pairwise-subjects', '%s'), async (style) => {
    const subjects = [];
    for (const redirect_uri of [REDIRECT_URI, 'http://localhost:53682/callback', REDIRECT_URI]) {
      const client = await register({
        redirect_uris: [redirect_uri],
        subject_type: 'pairwise',
        token_endpoint_auth_method: 'client_secret_post',
      });
      const { tokens } = await signIn(world(), { style, client, redirectUri: redirect_uri });
      const { sub } = await issuedClaims(world(), style, tokens.access_token);
      expect(tokens.claims()?.sub).toBe(sub);
      if (style !== 'jwt') expect((await introspect(world(), tokens.access_token)).sub).toBe(sub);
      subjects.push(sub);
    }
    expect(subjects[0]).toMatch(/^[\w-]{43}$/);
    expect(subjects[2]).toBe(subjects[0]);
    expect(subjects[1]).not.toBe(subjects[0]);
  });
});

describe('Where registered clients may have client_credentials', () => {
  let world: OneProcess;
  beforeAll(async () => {
    world = await startOneProcess((config) => ({
      ...config,
      authorizationServer: { ...config.authorizationServer, registeredClientCredentials: true },
    }));
  });
  afterAll(() => world?.stop());

  test.each(STYLES)(requirement('registered-without-user', 'configured, %s'), async (style) => {
    const client = await registerAt(world, { grant_types: ['client_credentials'], response_types: [] });
    const tokens = await oidc.clientCredentialsGrant(client, { resource: resourceOf(style), scope: 'read' });
    world.log.secret(tokens.access_token);
    expect((await call(world.gateways[0], style, tokens.access_token)).status).toBe(200);
  });
});

async function registerAt({ issuer, log }: World, metadata: Partial<oidc.ClientMetadata>) {
  const options = { execute: [oidc.allowInsecureRequests] };
  const client = await oidc.dynamicClientRegistration(new URL(issuer), metadata, undefined, options);
  const { client_secret, registration_access_token } = client.clientMetadata();
  log.secret(client_secret, String(registration_access_token));
  return client;
}

import { expect, test } from '@jest/globals';
import { open, submit } from '@tallystick/testing/sign_in';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoBackend, demoService, demoWeb, serviceToken, shown } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import { resourceOf, STYLES, type Style, type World } from '../support/worlds/world.ts';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const REVOCABLE = ['opaque', 'phantom', 'split'] as const;
const next = (style: Style) => STYLES[(STYLES.indexOf(style) + 1) % STYLES.length] as Style;

async function exchange(
  world: World,
  subjectToken: string,
  parameters: Record<string, string>,
  client?: oidc.Configuration,
) {
  const answer = await oidc.genericGrantRequest(client ?? (await demoBackend(world)), GRANT_TYPE, {
    subject_token: subjectToken,
    subject_token_type: ACCESS_TOKEN,
    ...parameters,
  });
  world.log.secret(answer.access_token);
  return answer;
}

/** The actor token: it identifies the backend (RFC 8693 section 2.1). */
async function actorToken(world: World): Promise<{ actor_token: string; actor_token_type: string }> {
  const answer = await oidc.clientCredentialsGrant(await demoBackend(world), { resource: resourceOf('phantom') });
  world.log.secret(answer.access_token);
  return { actor_token: answer.access_token, actor_token_type: ACCESS_TOKEN };
}

/** The JWT that the API behind the gateway gets for the token. The API can exchange it. */
async function jwtAtTheApi({ gateways }: World, style: Style, token: string): Promise<string> {
  const { headers } = await shown(gateways[0], style, token);
  return String(headers.authorization).replace('Bearer ', '');
}

inBothWorlds((world) => {
  test.each(STYLES.flatMap((from) => STYLES.map((to) => [from, to] as const)))(
    requirement('exchange-for-another-api', '%s for %s'),
    async (from, to) => {
      const { tokens } = await signIn(world(), { style: from });
      const answer = await exchange(world(), tokens.access_token, { resource: resourceOf(to) });
      expect(answer).toMatchObject({ issued_token_type: ACCESS_TOKEN, token_type: 'bearer', scope: 'read' });
      for (const gateway of world().gateways) {
        const { claims } = await shown(gateway, to, answer.access_token);
        expect(claims).toMatchObject({
          sub: 'alice',
          client_id: 'demo-backend',
          aud: resourceOf(to),
          scope: 'read',
          email: 'alice@example.com',
        });
        expect(claims).not.toHaveProperty('act');
      }
    },
  );

  test.each(['jwt', 'phantom', 'split'] as const)(
    requirement('exchange-for-another-api', 'an API behind the gateway exchanges its JWT: %s'),
    async (style) => {
      const { tokens } = await signIn(world(), { style });
      const jwt = await jwtAtTheApi(world(), style, tokens.access_token);
      const answer = await exchange(world(), jwt, { subject_token_type: JWT, audience: resourceOf('opaque') });
      expect((await shown(world().gateways[0], 'opaque', answer.access_token)).claims.sub).toBe('alice');
    },
  );

  test.each(STYLES)(requirement('exchange-names-who-acts', '%s'), async (style) => {
    const { tokens } = await signIn(world(), { style });
    const actor = await actorToken(world());
    const first = await exchange(world(), tokens.access_token, { ...actor, resource: resourceOf(style) });
    const { claims } = await shown(world().gateways[0], style, first.access_token);
    expect(claims).toMatchObject({ sub: 'alice', act: { sub: 'demo-backend' } });
    const second = await exchange(world(), first.access_token, { ...actor, resource: resourceOf(next(style)) });
    const { claims: later } = await shown(world().gateways[0], next(style), second.access_token);
    expect(later).toMatchObject({ sub: 'alice', act: { sub: 'demo-backend', act: { sub: 'demo-backend' } } });
  });

  test.each(STYLES)(requirement('exchange-never-widens', '%s'), async (style) => {
    const subject = await serviceToken(world(), style, 'read');
    await expect(
      exchange(world(), subject, { resource: resourceOf('split'), scope: 'read write' }),
    ).rejects.toMatchObject({ error: 'invalid_scope' });
    const both = await serviceToken(world(), style, 'read write');
    const narrow = await exchange(world(), both, { resource: resourceOf(style), scope: 'read' });
    expect(narrow.scope).toBe('read');
    const { claims } = await shown(world().gateways[0], style, narrow.access_token);
    expect(claims).toMatchObject({ sub: 'demo-service', client_id: 'demo-backend' });
    expect((await call(world().gateways[0], style, narrow.access_token, { method: 'POST' })).status).toBe(403);
    const { claims: original } = await shown(world().gateways[0], style, both);
    expect(Number(claims.exp)).toBeLessThanOrEqual(Number(original.exp));
  });

  test.each(REVOCABLE)(requirement('exchange-of-a-good-token', 'not a revoked token: %s'), async (style) => {
    const subject = await serviceToken(world(), style);
    await exchange(world(), subject, { resource: resourceOf('jwt') });
    await oidc.tokenRevocation(await demoService(world()), subject);
    await expect(exchange(world(), subject, { resource: resourceOf('jwt') })).rejects.toMatchObject({
      error: 'invalid_request',
    });
  });

  test.each(['phantom', 'split'] as const)(
    requirement('exchange-of-a-good-token', 'not the JWT of a revoked token: %s'),
    async (style) => {
      const subject = await serviceToken(world(), style);
      const jwt = await jwtAtTheApi(world(), style, subject);
      await exchange(world(), jwt, { resource: resourceOf('jwt') });
      await oidc.tokenRevocation(await demoService(world()), subject);
      await expect(exchange(world(), jwt, { resource: resourceOf('jwt') })).rejects.toMatchObject({
        error: 'invalid_request',
      });
    },
  );

  const HELD = [...REVOCABLE.map((style) => [style, 'token'] as const), ['phantom', 'JWT'], ['split', 'JWT']] as const;

  test.each(HELD)(requirement('exchanged-belongs-to-the-grant', 'ends at logout: %s %s'), async (style, held) => {
    const { client, tokens, browser } = await signIn(world(), { style });
    const subject = held === 'JWT' ? await jwtAtTheApi(world(), style, tokens.access_token) : tokens.access_token;
    const exchanged = await exchange(world(), subject, { resource: resourceOf(style) });
    const again = await exchange(world(), exchanged.access_token, { resource: resourceOf('split') });
    await shown(world().gateways[0], style, exchanged.access_token);
    const url = oidc.buildEndSessionUrl(client, { id_token_hint: String(tokens.id_token) });
    const page = await open(browser, url);
    await submit(browser, page.text, { logout: 'yes' });
    for (const gateway of world().gateways) {
      expect((await call(gateway, style, exchanged.access_token)).status).toBe(401);
      expect((await call(gateway, 'split', again.access_token)).status).toBe(401);
    }
    await expect(exchange(world(), subject, { resource: resourceOf('jwt') })).rejects.toMatchObject({
      error: 'invalid_request',
    });
  });

  test.each(REVOCABLE)(requirement('exchanged-belongs-to-the-grant', 'ends at revocation: %s'), async (style) => {
    const { client, tokens } = await signIn(world(), { style });
    const exchanged = await exchange(world(), tokens.access_token, { resource: resourceOf(style) });
    await shown(world().gateways[0], style, exchanged.access_token);
    await oidc.tokenRevocation(client, String(tokens.refresh_token));
    for (const gateway of world().gateways)
      expect((await call(gateway, style, exchanged.access_token)).status).toBe(401);
  });

  test(requirement('exchange-of-a-good-token', "neither another client's ID token nor a refresh token"), async () => {
    const { tokens } = await signIn(world(), { style: 'phantom' });
    const resource = resourceOf('split');
    for (const [token, type] of [
      [tokens.id_token, ID_TOKEN],
      [tokens.id_token, ACCESS_TOKEN],
      [tokens.id_token, JWT],
      [tokens.refresh_token, ACCESS_TOKEN],
      [tokens.refresh_token, 'urn:ietf:params:oauth:token-type:refresh_token'],
    ] as const) {
      await expect(exchange(world(), String(token), { subject_token_type: type, resource })).rejects.toMatchObject({
        error: 'invalid_request',
      });
    }
  });

  test('a client without the grant may not exchange', async () => {
    const { tokens } = await signIn(world(), { style: 'phantom' });
    for (const client of [await demoService(world()), await demoWeb(world())]) {
      await expect(
        exchange(world(), tokens.access_token, { resource: resourceOf('jwt') }, client),
      ).rejects.toMatchObject({ error: 'unauthorized_client' });
    }
    const metadata = (await demoWeb(world())).serverMetadata();
    expect(metadata.grant_types_supported).toContain(GRANT_TYPE);
  });
});

import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { call, demoService, serviceToken, shown } from '../support/clients/clients.ts';
import { inBothWorlds } from '../support/worlds/both_worlds.ts';
import { resourceOf, STYLES, type World } from '../support/worlds/world.ts';

const BY_REFERENCE = ['opaque', 'phantom', 'split'] as const;
const AS_JWT = ['jwt', 'phantom', 'split'] as const;

inBothWorlds((world) => {
  const bearer = async (gateway: string, style: (typeof AS_JWT)[number], token: string) =>
    String((await shown(gateway, style, token)).headers.authorization).replace('Bearer ', '');

  const verify = (jwt: string, { issuer }: World, audience: string) =>
    jwtVerify(jwt, createRemoteJWKSet(new URL(`${issuer}/jwks`)), { issuer, audience, typ: 'at+jwt' });

  test.each(BY_REFERENCE)(requirement('tokens-reveal-nothing', '%s'), async (style) => {
    const token = await serviceToken(world(), style);
    expect(token).toMatch(/^[\w-]{43,}$/);
    expect(() => decodeProtectedHeader(token)).toThrow();
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toMatch(/demo-service|read|api\.example/);
  });

  test.each(AS_JWT)(requirement('api-gets-a-valid-jwt', '%s'), async (style) => {
    const token = await serviceToken(world(), style);
    for (const gateway of world().gateways) {
      const jwt = await bearer(gateway, style, token);
      const { payload } = await verify(jwt, world(), resourceOf(style));
      expect(payload).toMatchObject({ client_id: 'demo-service', sub: 'demo-service', scope: 'read' });
    }
  });

  test.each(['phantom', 'split'] as const)(requirement('jti-is-not-the-token', '%s'), async (style) => {
    const token = await serviceToken(world(), style);
    const { claims, headers } = await shown(world().gateways[0], style, token);
    expect(claims.jti).toEqual(expect.any(String));
    const derived = (['sha1', 'sha256', 'sha512'] as const).flatMap((hash) =>
      (['hex', 'base64', 'base64url'] as const).map((encoding) => createHash(hash).update(token).digest(encoding)),
    );
    for (const known of [token, ...derived]) {
      expect(known).not.toContain(String(claims.jti));
      expect(String(claims.jti)).not.toContain(known);
    }
    if (style === 'phantom') expect(JSON.stringify(headers)).not.toContain(token);
  });

  test(requirement('split-joins'), async () => {
    const token = await serviceToken(world(), 'split');
    for (const gateway of world().gateways) {
      const jwt = await bearer(gateway, 'split', token);
      const [header, payload, signature, ...more] = jwt.split('.');
      expect(signature).toBe(token);
      expect(more).toEqual([]);
      expect(jwt).toBe(`${header}.${payload}.${token}`);
      await verify(jwt, world(), resourceOf('split'));
    }
  });

  test(requirement('api-with-its-callers-token'), async () => {
    const [gateway] = world().gateways;
    const statuses = (token: string) =>
      Promise.all(world().gateways.map(async (each) => (await call(each, 'split', token)).status));
    const jwtOfSplit = await bearer(gateway, 'split', await serviceToken(world(), 'split'));
    const held = String(jwtOfSplit.split('.')[2]);
    expect(new Set(await statuses(held))).toEqual(new Set([200]));
    await oidc.tokenRevocation(await demoService(world()), held);
    expect(new Set(await statuses(held))).toEqual(new Set([401]));

    const jwtOfPhantom = await bearer(gateway, 'phantom', await serviceToken(world(), 'phantom'));
    for (const held of [jwtOfPhantom, ...jwtOfPhantom.split('.')]) {
      for (const style of ['opaque', 'phantom', 'split'] as const)
        expect((await call(gateway, style, held)).status).toBe(401);
    }
  });

  test(requirement('opaque-is-passed-on'), async () => {
    const token = await serviceToken(world(), 'opaque');
    const { headers, claims } = await shown(world().gateways[0], 'opaque', token);
    expect(headers.authorization).toBe(`Bearer ${token}`);
    expect(claims).toMatchObject({ client_id: 'demo-service', aud: resourceOf('opaque') });
  });

  test.each(STYLES)(requirement('scope-per-method', '%s'), async (style) => {
    const reader = await serviceToken(world(), style, 'read');
    const refused = await call(world().gateways[0], style, reader, { method: 'POST', body: 'x' });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer .*error="insufficient_scope".*scope="write"/);
    const writer = await serviceToken(world(), style, 'read write');
    expect((await shown(world().gateways[0], style, writer, { method: 'POST', body: 'x' })).method).toBe('POST');
  });

  test.each(['jwt', 'phantom', 'split'] as const)(requirement('scope-on-cache-hit', '%s'), async (style) => {
    const token = await serviceToken(world(), style, 'read');
    for (const gateway of world().gateways) {
      expect((await call(gateway, style, token)).status).toBe(200);
      expect((await call(gateway, style, token, { method: 'DELETE' })).status).toBe(403);
      expect((await call(gateway, style, token)).status).toBe(200);
    }
  });

  test.each(STYLES.flatMap((from) => STYLES.filter((to) => to !== from).map((to) => [from, to] as const)))(
    requirement('audience-is-checked', '%s at %s'),
    async (from, to) => {
      const token = await serviceToken(world(), from);
      expect((await call(world().gateways[0], from, token)).status).toBe(200);
      const refused = await call(world().gateways[0], to, token);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    },
  );

  test.each(STYLES)(requirement('no-token-no-error', '%s'), async (style) => {
    const refused = await call(world().gateways[0], style);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(refused.headers.get('www-authenticate')).not.toContain('error');
  });

  test.each(STYLES)(requirement('api-trusts-nobody', '%s'), async (style) => {
    const { sampleApi } = world();
    expect((await call(sampleApi, style)).status).toBe(401);
    const junk = await call(sampleApi, style, 'A'.repeat(86));
    expect(junk.status).toBe(401);
    expect(junk.headers.get('www-authenticate')).toContain('error="invalid_token"');
    const reader = await serviceToken(world(), 'jwt', 'read');
    expect((await call(sampleApi, 'jwt', reader, { method: 'PUT' })).status).toBe(403);
  });
});

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());
beforeEach(() => world.control('DELETE', '/requests'));

const requests = async (query = '') => (await world.control('GET', `/requests${query}`)).body.requests;

test(requirement('requests-are-recorded'), async () => {
  const token = await serviceToken(world, 'phantom');
  await call(world.gateways[0], 'phantom', token);
  expect(await requests('?endpoint=introspection')).toMatchObject([
    { endpoint: 'introspection', clientId: 'gateway', method: 'POST', path: '/token/introspection', status: 200 },
  ]);
  const [asked] = await requests('?endpoint=token');
  expect(asked).toMatchObject({
    clientId: 'demo-service',
    method: 'POST',
    path: '/token',
    status: 200,
    form: { grant_type: 'client_credentials', scope: 'read' },
  });
  expect(Math.abs(Date.parse(asked.time) - Date.now())).toBeLessThan(60_000);
  await world.control('DELETE', '/requests');
  expect(await requests()).toEqual([]);
});

test(requirement('requests-are-recorded', 'each request once'), async () => {
  const take = (body: object) => world.control('POST', '/requests/next', body);
  await serviceToken(world, 'jwt');
  expect((await take({ endpoint: 'token' })).body).toMatchObject({ endpoint: 'token' });
  expect((await take({ endpoint: 'token' })).status).toBe(204);
  const waiting = take({ endpoint: 'token', timeout: 30_000 });
  await serviceToken(world, 'jwt');
  expect(await waiting).toMatchObject({ status: 200, body: { endpoint: 'token', status: 200 } });
  expect(await requests('?endpoint=token')).toEqual([]);
  expect((await take({ endpoint: 'revocation', timeout: 1 })).status).toBe(204);
});

test(requirement('requests-are-recorded', 'a long body is cut off'), async () => {
  world.tallystick.faults.add({ endpoint: 'jwks', drop: true, calls: 1 });
  await expect(fetch(`${world.issuer}/jwks`)).rejects.toThrow();
  const [request] = await requests('?endpoint=jwks');
  expect(request).not.toHaveProperty('status');
});

test(requirement('requests-are-redacted'), async () => {
  const { tokens } = await signIn(world, { style: 'phantom' });
  await call(world.gateways[0], 'phantom', tokens.access_token);
  const shown = JSON.stringify(await requests());
  const raw: { path: string; headers: Values; query: Values; form?: Values }[] = await requests('?secrets=true');
  const secrets = raw.flatMap(({ path, headers, query, form = {} }) => [
    ...[headers.authorization, headers.cookie, query.code, form.code, form.code_verifier, form.token].flat(),
    ...path.split('/').filter((segment) => segment.length > 20 && /[A-Z0-9]/.test(segment)),
  ]);
  const held = [tokens.access_token, tokens.refresh_token, tokens.id_token];
  const known = secrets.filter((secret) => secret !== undefined);
  expect(known.length).toBeGreaterThan(8);
  expect(known).toContain(tokens.access_token);
  expect([...known, ...held].filter((secret) => shown.includes(String(secret)))).toEqual([]);
  expect(shown).toContain('[redacted]');
  expect(shown).toContain('code_challenge_method":"S256"');
});

type Values = Record<string, string | string[] | undefined>;

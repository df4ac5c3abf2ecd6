import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { type Config, loadConfig, type TenantInput } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { demoBank, pollBackchannel, startBackchannel } from '../support/clients/backchannel.ts';
import { introspect, serviceToken } from '../support/clients/clients.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { DEMO_CONFIG, resourceOf, type World } from '../support/worlds/world.ts';

let world: Controlled;
let demo: Omit<TenantInput, 'id'>;
let numbered = 0;
beforeAll(async () => {
  const { apis, clients, users }: Config = await loadConfig(DEMO_CONFIG);
  demo = { apis, clients, users };
  world = await startControlled((config) => ({ ...config, tenants: [{ id: 'configured', ...demo }] }));
});
afterAll(() => world.stop());
afterEach(() => world.control('POST', '/reset'));

interface Tenant extends World {
  readonly id: string;
  /** Calls the control API for this tenant. */
  control: Controlled['control'];
}

/** Creates a tenant like the demo at run time. */
async function create(): Promise<Tenant> {
  const id = `t${++numbered}`;
  const made = await world.control('POST', '/tenants', { id, ...demo });
  expect(made.status).toBe(201);
  return {
    ...world,
    id,
    issuer: made.body.issuer,
    control: (method, path, body) =>
      world.control(method, `${path}${path.includes('?') ? '&' : '?'}tenant=${id}`, body),
  };
}

const tokenStatus = async ({ issuer }: Pick<World, 'issuer'>, id = 'demo-service', secret = `${id}-secret`) => {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf('opaque') }),
  });
  await answer.arrayBuffer();
  return answer.status;
};

test(requirement('tenant-controls-are-its-own', 'faults and scripted answers'), async () => {
  const [one, other] = [await create(), await create()];
  const added = await one.control('POST', '/faults', { faults: [{ endpoint: 'token', status: 503 }] });
  expect(added.status).toBe(201);
  await other.control('POST', '/scripted-answers', { answers: [{ endpoint: 'token', status: 418 }] });
  expect([await tokenStatus(one), await tokenStatus(other), await tokenStatus(world)]).toEqual([503, 418, 200]);
  expect([await tokenStatus(one), await tokenStatus(other)]).toEqual([503, 200]);
  expect((await one.control('GET', '/faults')).body.faults.length).toBe(1);
  expect((await other.control('GET', '/faults')).body.faults).toEqual([]);
  expect((await world.control('GET', '/faults')).body.faults).toEqual([]);

  await world.control('POST', '/faults', { faults: [{ endpoint: 'token', status: 502 }] });
  expect([await tokenStatus(world), await tokenStatus(one), await tokenStatus(other)]).toEqual([502, 503, 200]);
  expect((await other.control('DELETE', `/faults/${added.body.faults[0].id}`)).status).toBe(404);
  expect((await one.control('DELETE', `/faults/${added.body.faults[0].id}`)).status).toBe(204);
  expect(await tokenStatus(one)).toBe(200);
});

test(requirement('tenant-controls-are-its-own', 'a fault at every endpoint'), async () => {
  const one = await create();
  const { origin } = new URL(one.issuer);
  for (const [endpoint, url] of [
    ['jwks', `${one.issuer}/jwks`],
    ['discovery', `${one.issuer}/.well-known/openid-configuration`],
    ['discovery', `${origin}/.well-known/oauth-authorization-server/${one.id}`],
    ['authorization', `${one.issuer}/auth`],
  ]) {
    await one.control('POST', '/faults', { faults: [{ endpoint, status: 503, calls: 1 }] });
    expect([url, (await fetch(String(url))).status]).toEqual([url, 503]);
  }
});

test(requirement('tenant-controls-are-its-own', 'recorded requests'), async () => {
  const [one, other] = [await create(), await create()];
  await world.control('DELETE', '/requests');
  const waiting = one.control('POST', '/requests/next', { endpoint: 'token', timeout: 30_000 });
  await tokenStatus(other);
  await tokenStatus(world);
  await tokenStatus(one);
  expect((await waiting).body).toMatchObject({ endpoint: 'token', path: `/${one.id}/token` });
  const pathsOf = async ({ control }: Pick<Controlled, 'control'>) =>
    (await control('GET', '/requests')).body.requests.map(({ path }: { path: string }) => path);
  expect([await pathsOf(one), await pathsOf(other), await pathsOf(world)]).toEqual([
    [],
    [`/${other.id}/token`],
    ['/token'],
  ]);
  await other.control('DELETE', '/requests');
  expect([await pathsOf(other), await pathsOf(world)]).toEqual([[], ['/token']]);
});

test(requirement('tenant-controls-are-its-own', 'tokens, clients, users and APIs'), async () => {
  const [one, other] = [await create(), await create()];
  await one.control('PUT', '/clients', { id: 'ours', secret: 'ours-secret', grants: ['client_credentials'] });
  expect([await tokenStatus(one, 'ours'), await tokenStatus(other, 'ours'), await tokenStatus(world, 'ours')]).toEqual([
    200, 401, 401,
  ]);
  await one.control('PUT', '/users', { id: 'alice', claims: { email: 'ours@example.com' } });
  await one.control('PUT', '/apis', { resource: resourceOf('split'), accessTokens: 'jwt', scopes: ['read'] });
  const mint = async (tenant: Tenant) => {
    const token = { client: 'demo-web', user: 'alice', api: resourceOf('phantom'), scopes: ['read'] };
    const { body } = await tenant.control('POST', '/tokens', token);
    world.log.secret(body.accessToken);
    return body;
  };
  const [ours, theirs] = [await mint(one), await mint(other)];
  expect([decodeJwt(ours.jwt), decodeJwt(theirs.jwt)]).toMatchObject([
    { iss: one.issuer, email: 'ours@example.com' },
    { iss: other.issuer, email: 'alice@example.com' },
  ]);
  expect(await introspect(one, ours.accessToken)).toMatchObject({ active: true });
  expect(await introspect(other, ours.accessToken)).toEqual({ active: false });
  expect(decodeJwt(await serviceToken(one, 'split')).iss).toBe(one.issuer);
  // The gateway has no route for a tenant's API.
  const removed = await one.control('DELETE', `/apis/${encodeURIComponent(resourceOf('opaque'))}`);
  expect([removed.status, await tokenStatus(one), await tokenStatus(other)]).toEqual([204, 400, 200]);
});

test(requirement('tenant-controls-are-its-own', 'keys'), async () => {
  const [one, other] = [await create(), await create()];
  const theirs = (await other.control('GET', '/keys')).body;
  const { body } = await one.control('POST', '/keys/rotation', { announceFor: 0 });
  expect(decodeProtectedHeader(await serviceToken(one, 'jwt')).kid).toBe(body.keys[0].kid);
  expect((await one.control('GET', '/keys')).body).toEqual(body);
  expect((await other.control('GET', '/keys')).body).toEqual(theirs);
  expect(decodeProtectedHeader(await serviceToken(other, 'jwt')).kid).toBe(theirs.keys[0].kid);
});

test(requirement('tenant-controls-are-its-own', 'backchannel requests'), async () => {
  const [one, other] = [await create(), await create()];
  const client = await demoBank(one);
  const started = await startBackchannel(one, client, { style: 'phantom', user: 'bob', message: 'ours' });
  expect((await one.control('GET', '/backchannel-requests?user=bob')).body.requests).toMatchObject([
    { bindingMessage: 'ours' },
  ]);
  expect((await other.control('GET', '/backchannel-requests?user=bob')).body.requests).toEqual([]);
  const approval = { authReqId: started.auth_req_id, decision: 'approve' };
  expect((await other.control('POST', '/backchannel-requests/decisions', approval)).status).toBe(400);
  expect((await one.control('POST', '/backchannel-requests/decisions', approval)).status).toBe(204);
  expect((await pollBackchannel(one, client, started)).access_token).toMatch(/^[\w-]{43}$/);
});

test(requirement('tenant-controls-are-its-own', 'reset'), async () => {
  const [one, other] = [await create(), await create()];
  const tokens = new Map<World, string>();
  for (const each of [one, other, world]) {
    const { control } = each as Tenant;
    await control('POST', '/faults', { faults: [{ endpoint: 'jwks', status: 503 }] });
    await control('PUT', '/users', { id: 'added' });
    tokens.set(each, await serviceToken(each, 'phantom'));
  }
  const { keys } = (await one.control('GET', '/keys')).body;
  expect(await one.control('POST', '/reset')).toEqual({ status: 200, body: { milliseconds: expect.any(Number) } });
  const stateOf = async (each: World) => {
    const { control } = each as Tenant;
    return {
      faults: (await control('GET', '/faults')).body.faults.length,
      added: (await control('GET', '/users')).body.users.some(({ id }: { id: string }) => id === 'added'),
      recorded: (await control('GET', '/requests')).body.requests.length > 0,
      active: (await introspect(each, String(tokens.get(each)))).active,
    };
  };
  expect(await stateOf(one)).toEqual({ faults: 0, added: false, recorded: false, active: false });
  for (const each of [other, world]) {
    expect(await stateOf(each)).toEqual({ faults: 1, added: true, recorded: true, active: true });
  }
  expect((await one.control('GET', '/keys')).body.keys).toEqual(keys);
});

test(requirement('tenant-controls-are-its-own', 'a removed tenant loses everything'), async () => {
  const one = await create();
  const waiting = one.control('POST', '/requests/next', { endpoint: 'jwks', timeout: 60_000 });
  await one.control('POST', '/faults', { faults: [{ endpoint: 'token', delay: 600_000, calls: 1 }] });
  const held = tokenStatus(one);
  await until(async () => (await one.control('GET', '/faults')).body.faults.length === 0);
  expect((await world.control('DELETE', `/tenants/${one.id}`)).status).toBe(204);
  // No request has to wait.
  await Promise.all([held, waiting]);
  for (const [method, path] of [
    ['GET', '/faults'],
    ['GET', '/requests'],
    ['DELETE', '/requests'],
    ['GET', '/clients'],
    ['GET', '/keys'],
    ['POST', '/reset'],
  ] as const) {
    expect(await one.control(method, path)).toMatchObject({ status: 400, body: { path: 'tenant' } });
  }
  const again = await world.control('POST', '/tenants', { id: one.id, ...demo });
  expect(again.status).toBe(201);
  expect((await one.control('GET', '/faults')).body.faults).toEqual([]);
  expect((await one.control('GET', '/requests')).body.requests).toEqual([]);
});

test(
  requirement(
    'tenant-controls-are-its-own',
    'after a reset of all, those that were configured are there as configured',
  ),
  async () => {
    const control: Controlled['control'] = (method, path, body) =>
      world.control(method, `${path}?tenant=configured`, body);
    await control('POST', '/faults', { faults: [{ endpoint: 'token', status: 503 }] });
    await control('PUT', '/users', { id: 'added' });
    await create();
    await world.control('DELETE', '/tenants/configured');
    await world.control('POST', '/reset');
    expect((await world.control('GET', '/tenants')).body.tenants).toMatchObject([{ id: 'configured' }]);
    expect((await control('GET', '/faults')).body.faults).toEqual([]);
    expect(JSON.stringify((await control('GET', '/users')).body)).not.toContain('added');
    expect(await tokenStatus({ issuer: `${world.issuer}/configured` })).toBe(200);
  },
);

test(requirement('tenant-controls-are-its-own', 'through the library'), async () => {
  const { tenants, requests } = world.tallystick;
  const mine = await tenants.create({ id: 'mine', ...demo });
  requests.clear();
  mine.faults.add({ endpoint: 'token', status: 503, calls: 1 });
  expect([await tokenStatus(world), await tokenStatus(mine), await tokenStatus(mine)]).toEqual([200, 503, 200]);
  expect(tenants.get('mine')).toBe(mine);
  expect([mine.requests.list().length, requests.list().length]).toEqual([2, 1]);
  const { accessToken } = await mine.token({
    client: 'demo-service',
    api: resourceOf('phantom'),
    scopes: ['read'],
  });
  expect(await introspect({ ...world, issuer: mine.issuer }, accessToken)).toMatchObject({ active: true });
  await mine.reset();
  expect(await introspect({ ...world, issuer: mine.issuer }, accessToken)).toEqual({ active: false });
  expect(() => tenants.get('nobody')).toThrow(expect.objectContaining({ path: 'tenant' }));
});

test.each([
  ['GET', '/faults'],
  ['POST', '/faults'],
  ['GET', '/scripted-answers'],
  ['GET', '/requests'],
  ['GET', '/clients'],
  ['PUT', '/users'],
  ['GET', '/keys'],
])(requirement('control-api-explains', 'an unknown tenant: %s %s'), async (method, path) => {
  const bodies: Record<string, object> = {
    '/faults': { faults: [{ endpoint: 'token', status: 503 }] },
    '/users': { id: 'somebody' },
  };
  const answer = await world.control(method, `${path}?tenant=nobody`, method === 'GET' ? undefined : bodies[path]);
  expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request', path: 'tenant' } });
  expect((await world.control('GET', '/faults')).body.faults).toEqual([]);
});

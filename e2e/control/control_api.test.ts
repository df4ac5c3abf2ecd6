import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rawRequest } from '@tallystick/testing/raw_client';
import { Redis } from 'ioredis';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { startRole } from '../support/worlds/role_process.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());

const state = async () =>
  Promise.all(['/faults', '/scripted-answers'].map(async (path) => (await world.control('GET', path)).body));

const entries = () =>
  Promise.all(['/clients', '/users', '/apis'].map(async (path) => (await world.control('GET', path)).body));

test(requirement('control-api-absent'), async () => {
  const without = await startOneProcess();
  await without.stop();
  expect(without.tallystick.controlUrl).toBeUndefined();
  expect(new URL(world.controlUrl).hostname).toBe('localhost');
});

test.each([
  ['authorization-server', 'false', false],
  ['authorization-server', 'true', true],
  ['gateway', 'true', false],
] as const)(requirement('control-api-absent', 'role %s, enabled: %s'), async (role, enabled, isThere) => {
  const environment = {
    TALLYSTICK_AUTHORIZATION_SERVER_PORT: '0',
    TALLYSTICK_GATEWAY_PORT: '0',
    TALLYSTICK_CONTROL_API_ENABLED: enabled,
    TALLYSTICK_CONTROL_API_PORT: '0',
  };
  const process = await startRole(role, environment, world.log.write);
  expect(process.controlUrl !== undefined).toBe(isThere);
  if (process.controlUrl) expect((await fetch(`${process.controlUrl}/openapi.json`)).status).toBe(200);
  expect(await process.stop()).toBe(0);
});

const token = { client: 'demo-service', api: resourceOf('phantom') };
test.each([
  ['POST', '/faults', {}, 'faults'],
  ['POST', '/faults', { faults: [{ endpoint: 'token', status: 99 }] }, 'faults[0].status'],
  ['POST', '/faults', { faults: [{ endpoint: 'token', status: 503 }, { endpoint: 'toke' }] }, 'faults[1].endpoint'],
  ['POST', '/faults', { faults: [{ endpoint: 'token' }] }, 'faults[0]'],
  ['POST', '/faults', { faults: [{ endpoint: 'token', status: 503, cals: 2 }] }, 'faults[0].cals'],
  ['POST', '/faults', { faults: [{ endpoint: 'token', status: 503, calls: 2, fraction: 0.5 }] }, 'faults[0].fraction'],
  ['POST', '/faults', { faults: [{ endpoint: 'token', drop: true, status: 503 }] }, 'faults[0].drop'],
  ['POST', '/scripted-answers', { answers: [{ endpoint: 'token', status: '200' }] }, 'answers[0].status'],
  ['POST', '/scripted-answers', { answers: [{ endpoint: 'token', headers: { 'a b': '' } }] }, 'answers[0].headers.a b'],
  ['POST', '/scripted-answers', { answers: [{ endpoint: 'token', headers: { X: 'a\nb' } }] }, 'answers[0].headers.X'],
  ['POST', '/clock/advance', { seconds: 'one' }, 'seconds'],
  ['POST', '/clock/advance', { seconds: 1e300 }, 'seconds'],
  ['PUT', '/clock', { now: 'yesterday' }, 'now'],
  ['POST', '/requests/next', { timeout: -1 }, 'timeout'],
  ['GET', '/requests?secrets=maybe', undefined, 'secrets'],
  ['GET', '/requests?endpoint=nowhere', undefined, 'endpoint'],
  ['GET', '/faults?x=1', undefined, 'x'],
  ['POST', '/tokens', {}, 'api'],
  ['POST', '/tokens', { ...token, client: 'nobody' }, 'client'],
  ['POST', '/tokens', { ...token, user: 'no body' }, 'user'],
  ['POST', '/tokens', { ...token, user: 'demo-web' }, 'user'],
  ['POST', '/tokens', { ...token, api: 'https://api.example.com/spilt' }, 'api'],
  ['POST', '/sign-ins', { client: 'nobody' }, 'client'],
  ['POST', '/id-tokens', { client: 'demo-service' }, 'client'],
  ['POST', '/tokens/revocation', {}, 'token'],
  ['POST', '/tokens/expiry', { token: 'unknown' }, 'token'],
  ['POST', '/tokens', { ...token, scopes: ['read', 'fly'] }, 'scopes[1]'],
  ['POST', '/tokens', { ...token, claims: { sub: 'root' } }, 'claims.sub'],
  ['POST', '/tokens', { ...token, claims: JSON.parse('{"constructor":{}}') }, 'claims.constructor'],
  ['POST', '/tokens', { ...token, claims: { a: [JSON.parse('{"__proto__":{}}')] } }, 'claims.a.0.__proto__'],
  ['PUT', '/users', { id: 'carol', claims: { acr: 'high' } }, 'claims.acr'],
  ['PUT', '/users', { id: 'carol', claims: JSON.parse('{"constructor":{}}') }, 'claims.constructor'],
  ['PUT', '/users', { id: 'carol', claims: JSON.parse('{"__proto__":{}}') }, 'claims.__proto__'],
  ['PUT', '/users', { id: 'carol', claims: JSON.parse('{"a":{"b":[{"__proto__":{}}]}}') }, 'claims.a.b[0].__proto__'],
  ['PUT', '/users', { id: 'demo-web' }, 'id'],
  ['PUT', '/users', { id: 'https://client.example.com/metadata.json' }, 'id'],
  ['PUT', '/clients', { id: 'alice', secret: 'secret' }, 'id'],
  ['PUT', '/apis', { resource: 'https://api.example.com/more', scopes: [], claims: ['role', 'acr'] }, 'claims[1]'],
  [
    'PUT',
    '/apis',
    { resource: 'https://api.example.com/more', scopes: [], claims: { azp: '/client/id' } },
    'claims.azp',
  ],
  ['POST', '/tokens', { ...token, expiresIn: 0 }, 'expiresIn'],
  ['POST', '/tokens', { ...token, defect: 'ugly' }, 'defect'],
  ['POST', '/tokens', { ...token, confirmation: { jkt: 1 } }, 'confirmation.jkt'],
  ['POST', '/reset', { everything: true }, 'everything'],
  ['DELETE', '/faults', { all: true }, 'all'],
])(requirement('control-api-explains', '%s %s %j'), async (method, path, body, offending) => {
  const before = [await state(), await entries()];
  const url = world.controlUrl + path;
  const answer = method === 'GET' ? await fetch(url) : await send(method, url, JSON.stringify(body));
  expect([answer.status, await answer.json()]).toEqual([
    400,
    { error: 'invalid_request', error_description: expect.any(String), path: offending },
  ]);
  expect([await state(), await entries()]).toEqual(before);
  expect((await world.control('GET', '/clock')).body.ahead).toBe(0);
});

test(requirement('control-api-explains', 'a user with the name of a client that registered itself'), async () => {
  const registration = await send('POST', `${world.issuer}/reg`, '{"redirect_uris":["https://client.example.com/"]}');
  const { client_id: id } = (await registration.json()) as { client_id: string };
  const refused = await world.control('PUT', '/users', { id });
  expect([refused.status, refused.body.path]).toEqual([400, 'id']);
  expect((await world.control('GET', '/users')).body.users).not.toContainEqual(expect.objectContaining({ id }));
});

test(requirement('control-api-explains', 'a body that is not JSON'), async () => {
  const url = `${world.controlUrl}/faults`;
  expect((await send('POST', url, '{')).status).toBe(400);
  expect((await send('POST', url, '{}', { 'Content-Type': 'text/plain' })).status).toBe(415);
  expect((await send('POST', url, `"${'x'.repeat(2 ** 20)}"`)).status).toBe(413);
  expect((await fetch(`${world.controlUrl}/nothing`)).status).toBe(404);
  expect((await send('PUT', url, '{}')).status).toBe(405);
});

test(requirement('control-api-keeps-out'), async () => {
  const ask = (...headers: string[]) =>
    rawRequest(world.controlUrl, ['GET /faults HTTP/1.1', ...headers, 'Connection: close', '', ''].join('\r\n'));
  const { host } = new URL(world.controlUrl);
  expect((await ask(`Host: ${host}`)).status).toBe(200);
  expect((await ask(`Host: ${host}`, `Origin: http://${host}`, 'Sec-Fetch-Site: same-origin')).status).toBe(200);
  expect((await ask(`Host: rebound.example:${new URL(world.controlUrl).port}`)).status).toBe(421);
  expect((await ask(`Host: ${host}`, 'Origin: https://evil.example')).status).toBe(403);
  expect((await ask(`Host: ${host}`, 'Origin: null')).status).toBe(403);
  expect((await ask(`Host: ${host}`, 'Sec-Fetch-Site: cross-site')).status).toBe(403);
});

test(requirement('control-api-described'), async () => {
  const { body } = await world.control('GET', '/openapi.json');
  expect(body.openapi).toBe('3.1.0');
  const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({ method: method.toUpperCase(), path })),
  );
  expect(described.length).toBeGreaterThan(10);
  const ids = JSON.stringify(body.paths).match(/"operationId":"\w+"/g) ?? [];
  expect([ids.length, new Set(ids).size]).toEqual([described.length, described.length]);
  // Operations that concern all issuers or none.
  const forAll = ['/issuer', '/clock', '/clock/advance', '/tenants', '/tenants/{id}', '/openapi.json'];
  const forOne = described.filter(({ method, path }) =>
    body.paths[path][method.toLowerCase()].parameters?.some(({ name }: { name: string }) => name === 'tenant'),
  );
  expect(forOne).toEqual(described.filter(({ path }) => !forAll.includes(path)));
  for (const { method, path } of described) {
    // Each path has exactly the documented methods: the server refuses others and lists those that it allows.
    const refused = await send('PATCH', world.controlUrl + path.replace('{id}', 'none'), '{}');
    expect(refused.status).toBe(405);
    const { error_description } = (await refused.json()) as { error_description: string };
    expect(error_description.match(/[A-Z]{3,}/g)).toEqual(
      described.filter((each) => each.path === path).map((each) => each.method),
    );
    expect(error_description).toContain(method);
  }
});

test(requirement('reset-forgets'), async () => {
  const tokens = await Promise.all(STYLES.map((style) => serviceToken(world, style)));
  for (const [index, style] of STYLES.entries())
    expect((await call(world.gateways[0], style, tokens[index])).status).toBe(200);
  world.tallystick.faults.add({ endpoint: 'token', status: 503 });
  world.tallystick.scriptedAnswers.enqueue({ endpoint: 'token', body: 'hello' });
  world.tallystick.clock.advance(5);

  const { status, body } = await world.control('POST', '/reset');
  expect([status, body]).toEqual([200, { milliseconds: expect.any(Number) }]);
  expect(await state()).toEqual([{ faults: [] }, { answers: [] }]);
  expect((await world.control('GET', '/clock')).body.ahead).toBe(0);
  expect((await world.control('GET', '/requests')).body.requests).toEqual([]);
  const answers = await Promise.all(STYLES.map((style, index) => call(world.gateways[0], style, tokens[index])));
  // The store has no entry for a JWT, so a reset cannot delete it.
  expect(answers.map((answer) => answer.status)).toEqual([200, 401, 401, 401]);
  expect((await call(world.gateways[0], 'split', await serviceToken(world, 'split'))).status).toBe(200);
});

test(requirement('reset-forgets', 'on Redis'), async () => {
  const url = String(process.env.REDIS_URL);
  const redis = new Redis(url);
  const prefix = `e2e:[${randomUUID()}]:`;
  const foreign = `e2e:${randomUUID()}:foreign`;
  await redis.set(foreign, 'kept', 'EX', 60);
  const onRedis = await startControlled((config) => ({
    ...config,
    secret: 'a secret that only this test knows',
    store: { url, prefix },
  }));
  try {
    const held = await serviceToken(onRedis, 'split');
    expect((await call(onRedis.gateways[0], 'split', held)).status).toBe(200);
    await onRedis.tallystick.reset();
    const ours = (await redis.keys('e2e:*')).filter((key) => key.startsWith(prefix));
    expect(ours.every((key) => key.startsWith(`${prefix}kept:`))).toBe(true);
    expect(await redis.get(foreign)).toBe('kept');
    await redis.del([foreign, ...ours]);
  } finally {
    await onRedis.stop();
    redis.disconnect();
  }
});

function send(method: string, url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method, body, headers: { 'Content-Type': 'application/json', ...headers } });
}

test(requirement('control-api-refusals', 'in the log'), async () => {
  await world.control('PUT', '/clock', { now: 'soon' });
  await world.control('GET', `/nowhere/${randomUUID()}`);
  const lines = world.log
    .text()
    .split('\n')
    .filter((line) => line.includes('"msg":"request refused"'))
    .map((line) => JSON.parse(line));
  const line = { method: 'PUT', route: '/clock', status: 400, milliseconds: expect.any(Number) };
  expect(lines).toContainEqual(
    expect.objectContaining({ ...line, error: 'invalid_request', reason: expect.any(String) }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ method: 'GET', route: 'none', status: 404, error: 'not_found' }),
  );
});

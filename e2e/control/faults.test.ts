import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';

/** Milliseconds: far more than the gateway or the test waits. */
const FOR_EVER = 600_000;

let world: Controlled;
beforeAll(async () => {
  world = await startControlled((config) => ({
    ...config,
    gateway: { ...config.gateway, timeouts: { authorizationServer: 1000 } },
  }));
});
afterAll(() => world.stop());
afterEach(() => world.control('POST', '/reset'));

async function callPhantom(token: string): Promise<number> {
  const answer = await call(world.gateways[0], 'phantom', token);
  if (answer.status === 503) expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  return answer.status;
}

const tokenRequest = (client = 'demo-service') =>
  fetch(`${world.issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: 'https://api.example.com/opaque' }),
  });

test(requirement('fault-then-recovery'), async () => {
  const token = await serviceToken(world, 'phantom');
  const added = await world.control('POST', '/faults', {
    faults: [{ endpoint: 'introspection', status: 503, calls: 2 }],
  });
  expect(added).toEqual({
    status: 201,
    body: {
      faults: [
        {
          id: expect.any(String),
          at: 'authorization-server',
          endpoint: 'introspection',
          status: 503,
          calls: 2,
          remaining: 2,
        },
      ],
    },
  });
  expect(await callPhantom(token)).toBe(503);
  expect((await world.control('GET', '/faults')).body.faults).toMatchObject([{ remaining: 1 }]);
  expect(await callPhantom(token)).toBe(503);
  expect((await world.control('GET', '/faults')).body.faults).toEqual([]);
  expect(await callPhantom(token)).toBe(200);
});

test.each([
  ['slow', 503, { delay: FOR_EVER }],
  ['garbled', 502, { body: 'malformed' }],
  ['mislabelled', 502, { contentType: 'text/html' }],
  ['cut off', 503, { drop: true }],
  ['garbled as JSON', 502, { status: 200, body: 'malformed' }],
  ['an error', 503, { status: 500 }],
] as const)(requirement('fault-is-no-verdict', '%s: %d'), async (_how, status, fault) => {
  const token = await serviceToken(world, 'phantom');
  const added = await world.control('POST', '/faults', { faults: [{ endpoint: 'introspection', ...fault }] });
  expect(await callPhantom(token)).toBe(status);
  const [{ id }] = added.body.faults;
  expect((await world.control('DELETE', `/faults/${id}`)).status).toBe(204);
  expect((await world.control('DELETE', `/faults/${id}`)).status).toBe(404);
  expect(await callPhantom(token)).toBe(200);
});

test(requirement('fault-is-no-verdict', 'an API that introspects'), async () => {
  const token = await serviceToken(world, 'opaque');
  await world.control('POST', '/faults', { faults: [{ endpoint: 'introspection', body: 'malformed' }] });
  expect((await call(world.gateways[0], 'opaque', token)).status).toBe(502);
  await world.control('DELETE', '/faults');
  expect((await call(world.gateways[0], 'opaque', token)).status).toBe(200);
});

test(requirement('fault-of-one-client'), async () => {
  await world.control('POST', '/faults', { faults: [{ endpoint: 'token', status: 503, clientId: 'demo-service' }] });
  expect((await tokenRequest()).status).toBe(503);
  expect((await tokenRequest('gateway')).status).toBe(400);
  await world.control('DELETE', '/faults');

  await world.control('POST', '/faults', { faults: [{ endpoint: 'token', status: 418, clientId: 'demo-web' }] });
  const form = { grant_type: 'refresh_token', client_id: 'demo-web', refresh_token: 'nonsense' };
  const send = () => fetch(`${world.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
  expect((await send()).status).toBe(418);
  expect((await tokenRequest()).status).toBe(200);
  await world.control('DELETE', '/faults');
  expect(await (await send()).json()).toMatchObject({ error: 'invalid_grant' });
});

test(requirement('scripted-answer-once'), async () => {
  const scripted = { endpoint: 'token', status: 429, headers: { 'Retry-After': '7' }, body: { error: 'slow_down' } };
  const discovery = { endpoint: 'discovery', body: 'hello' };
  expect((await world.control('POST', '/scripted-answers', { answers: [scripted, discovery] })).status).toBe(201);
  const answer = await tokenRequest();
  expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([
    429,
    '7',
    { error: 'slow_down' },
  ]);
  expect((await tokenRequest()).status).toBe(200);
  expect((await world.control('GET', '/scripted-answers')).body.answers).toMatchObject([discovery]);
  const configuration = `${world.issuer}/.well-known/openid-configuration`;
  expect(await (await fetch(configuration)).text()).toBe('hello');
  expect(await (await fetch(configuration)).json()).toMatchObject({ issuer: world.issuer });
});

test('the library has the same verbs', async () => {
  const { faults, scriptedAnswers } = world.tallystick;
  faults.add({ endpoint: 'token', status: 503, calls: 1 });
  expect((await tokenRequest()).status).toBe(503);
  scriptedAnswers.enqueue({ endpoint: 'token', status: 201 });
  expect((await tokenRequest()).status).toBe(201);
  expect((await tokenRequest()).status).toBe(200);
  expect(() => faults.add({ endpoint: 'token', status: 99 })).toThrow(
    expect.objectContaining({ path: 'faults[0].status' }),
  );
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { type FaultInput, startTallystick, type Tallystick, type Upstream } from 'tallystick';
import { requirement } from '../requirements/index.ts';

const STYLES = ['phantom', 'split'] as const;
const resourceOf = (style: string) => `https://api.example.com/${style}`;

/** Answers with what it read, and how it was called. */
const app: Upstream = async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ url: request.url, body }));
};

let tally: Tallystick;
beforeAll(async () => {
  tally = await startTallystick({
    log: { level: 'silent' },
    apis: STYLES.map((accessTokens) => ({
      resource: resourceOf(accessTokens),
      accessTokens,
      scopes: ['read'],
      upstream: app,
    })),
  });
});
afterAll(() => tally.stop());
beforeEach(() => tally.reset());

const statusOf = async (path: string, options: object = {}) =>
  (await tally.fetch(path, { as: 'alice', ...options })).status;

describe('a fault at the gateway', () => {
  test.each<[string, FaultInput, (answer: Response) => unknown, unknown]>([
    ['status', { at: 'gateway', status: 503, calls: 1 }, ({ status }) => status, 503],
    ['half a body', { at: 'gateway', body: 'malformed', calls: 1 }, (answer) => answer.text(), '{"url":"/spli'],
    [
      'media type',
      { at: 'gateway', contentType: 'text/html', calls: 1 },
      ({ headers }) => headers.get('content-type'),
      'text/html',
    ],
  ])(requirement('library-faults', 'gateway: %s'), async (_what, fault, seen, expected) => {
    tally.faults.add(fault);
    expect(await seen(await tally.fetch('/split', { as: 'alice' }))).toBe(expected);
    expect(await statusOf('/split')).toBe(200);
  });

  test(requirement('library-faults', 'gateway: only below a path'), async () => {
    tally.faults.add({ at: 'gateway', drop: true, path: '/split/orders' });
    await expect(tally.fetch('/split/orders/7', { as: 'alice' })).rejects.toThrow();
    expect([await statusOf('/split'), await statusOf('/split/ordersx')]).toEqual([200, 200]);
  });
});

describe('a fault at an upstream', () => {
  test.each<[string, FaultInput, number]>([
    ['its status is passed on', { at: 'upstream', status: 418 }, 418],
    ['a connection that breaks off', { at: 'upstream', drop: true }, 502],
    ['half a body is still an answer', { at: 'upstream', body: 'malformed' }, 200],
  ])(requirement('library-faults', 'upstream: %s'), async (_what, fault, status) => {
    tally.faults.add({ ...fault, api: resourceOf('split'), calls: 2 });
    expect(await statusOf('/phantom')).toBe(200);
    expect([await statusOf('/split'), await statusOf('/split', { method: 'POST', body: 'x' })]).toEqual([
      status,
      status,
    ]);
    expect(await statusOf('/split')).toBe(200);
  });

  test(requirement('library-faults', 'upstream: a slow answer has its body'), async () => {
    tally.faults.add({ at: 'upstream', delay: 5, path: '/split/orders' });
    const answer = await tally.fetch('/split/orders/7?full=1', { as: 'alice', method: 'POST', body: 'an order' });
    expect(await answer.json()).toEqual({ url: '/split/orders/7?full=1', body: 'an order' });
  });
});

describe.each(STYLES)('a fault at the store, in the style %s', (style) => {
  const token = () => tally.token({ user: 'alice', api: resourceOf(style) });

  test(requirement('library-faults', 'store: refused and cut'), async () => {
    for (const failure of ['refused', 'cut'] as const) {
      const held = await token();
      const [fault] = tally.faults.add({ at: 'store', failure });
      expect(await statusOf(`/${style}`, { token: held })).toBe(503);
      await expect(token()).rejects.toThrow();
      tally.faults.remove(String(fault?.id));
      expect(await statusOf(`/${style}`, { token: held })).toBe(200);
    }
  });

  test(requirement('library-faults', 'store: read-only'), async () => {
    const held = await token();
    tally.faults.add({ at: 'store', failure: 'read-only' });
    // An issuer records the JWT that it renders from a reference token.
    expect(await statusOf(`/${style}`, { token: held })).toBe(style === 'split' ? 200 : 503);
    await expect(token()).rejects.toThrow();
    tally.faults.clear();
    expect(await statusOf(`/${style}`, { token: held })).toBe(200);
  });

  test(requirement('library-faults', 'store: a lost entry'), async () => {
    const held = await token();
    tally.faults.add({ at: 'store', failure: 'lost' });
    expect(await statusOf(`/${style}`, { token: held })).toBe(401);
  });

  test(requirement('library-faults', 'store: slow'), async () => {
    const held = await token();
    tally.faults.add({ at: 'store', delay: 3, calls: 2 });
    expect(await statusOf(`/${style}`, { token: held })).toBe(200);
  });
});

describe('a fault at the revocation feed', () => {
  const isRefused = async (token: Awaited<ReturnType<Tallystick['token']>>) =>
    (await statusOf('/split', { token })) === 401;

  test(requirement('library-faults', 'revocation feed: a lost message'), async () => {
    const token = await tally.token({ user: 'alice', api: resourceOf('split') });
    expect(await isRefused(token)).toBe(false); // The gateway caches it.
    tally.faults.add({ at: 'revocation-feed', failure: 'lost', calls: 1 });
    await tally.revoke(token);
    expect(await isRefused(token)).toBe(false);
  });

  test(requirement('library-faults', 'revocation feed: without it a gateway trusts no cache'), async () => {
    const token = await tally.token({ user: 'alice', api: resourceOf('split') });
    expect(await isRefused(token)).toBe(false);
    tally.faults.add({ at: 'revocation-feed', failure: 'cut' });
    await tally.revoke(token);
    expect(await isRefused(token)).toBe(true);
    tally.faults.clear();
    expect(await statusOf('/split')).toBe(200);
  });
});

test.each<[FaultInput, string]>([
  [{ at: 'gateway' }, 'faults[0]'],
  [{ at: 'gateway', endpoint: 'token', status: 503 }, 'faults[0].endpoint'],
  [{ status: 503 }, 'faults[0].endpoint'],
  [{ at: 'store', status: 503 }, 'faults[0].status'],
  [{ at: 'upstream', failure: 'cut' }, 'faults[0].failure'],
  [{ at: 'revocation-feed', failure: 'read-only' }, 'faults[0].failure'],
  [{ at: 'gateway', path: 'orders', status: 503 }, 'faults[0].path'],
  [{ at: 'elsewhere', status: 503 } as never, 'faults[0].at'],
])(requirement('library-faults', 'a wrong fault: %j'), (fault, path) => {
  expect(() => tally.faults.add(fault)).toThrow(expect.objectContaining({ path }));
  expect(tally.faults.list()).toEqual([]);
});

test(requirement('library-records'), async () => {
  await tally.fetch('/split/orders/7?full=1&access=1&api_key=k', { as: 'alice', method: 'POST', body: 'an order' });
  expect(tally.calls.list()).toMatchObject([
    {
      server: 'upstream',
      api: resourceOf('split'),
      method: 'POST',
      path: '/split/orders/7',
      query: { full: '1', api_key: '[redacted]' },
      headers: { authorization: '[redacted]', host: expect.any(String) },
      status: 200,
    },
  ]);
  const [call] = tally.calls.list({ secrets: true });
  expect(call).toMatchObject({
    body: 'an order',
    headers: { authorization: expect.stringMatching(/^Bearer (.+\.){2}/) },
  });
  const [asked, ...others] = tally.requests.list({ server: 'gateway' });
  expect(asked).toMatchObject({ server: 'gateway', method: 'POST', path: '/split/orders/7', status: 200 });
  expect(others).toEqual([]);
  expect(JSON.stringify([tally.calls.list(), tally.requests.list()])).not.toMatch(/eyJ|an order/);
});

test(requirement('library-records', 'a call that the gateway refuses reaches no upstream'), async () => {
  expect(await statusOf('/split', { scopes: [] })).toBe(403);
  expect([tally.calls.list().length, tally.requests.list({ server: 'gateway' }).length]).toEqual([0, 1]);
});

test(requirement('library-records', 'a test waits for the next one'), async () => {
  const waiting = tally.calls.takeNext({ where: ({ body }) => body === 'second', secrets: true, timeout: 30_000 });
  for (const body of ['first', 'second']) await tally.fetch('/phantom', { as: 'alice', method: 'POST', body });
  expect(await waiting).toMatchObject({ body: 'second' });
  expect(tally.calls.list({ secrets: true })).toMatchObject([{ body: 'first' }]);
  expect(await tally.calls.takeNext({ path: '/nothing' })).toBeUndefined();
  await expect(tally.calls.takeNext({ where: 'x' as never })).rejects.toMatchObject({ path: 'where' });
});

test(requirement('library-records', 'of a tenant, apart from the others'), async () => {
  const own = await startForTest(
    startTallystick({ log: { level: 'silent' }, apis: [{ resource: resourceOf('split'), upstream: app }] }),
  );
  const tenant = await own.tenants.create({ id: 'one', apis: [{ resource: resourceOf('split'), upstream: app }] });
  tenant.faults.add({ at: 'upstream', status: 500, calls: 1 }, { at: 'gateway', status: 503, path: '/down' });
  const statuses = await Promise.all(
    [own, tenant].map(async (issuer) => (await issuer.fetch('/a', { as: 'bob' })).status),
  );
  expect([...statuses, (await tenant.fetch('/down', { as: 'bob' })).status]).toEqual([200, 500, 503]);
  expect(tenant.calls.list()).toMatchObject([{ path: '/a', status: 500 }]);
  expect(own.calls.list()).toMatchObject([{ path: '/a', status: 200 }]);
  expect(tenant.requests.list({ server: 'gateway' }).map(({ path }) => path)).toEqual(['/a', '/down']);
});

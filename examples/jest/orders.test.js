const { startTallystick } = require('tallystick');
const { app } = require('./app');

let tally;
beforeAll(async () => {
  tally = await startTallystick({
    log: { level: 'silent' },
    apis: [{ resource: 'https://orders.example', accessTokens: 'split', scopes: ['read', 'write'], upstream: app }],
    gateway: {
      routes: [{ prefix: '/orders', api: 'https://orders.example', scopes: { GET: ['read'], '*': ['write'] } }],
    },
  });
});
afterEach(() => tally.reset());
afterAll(() => tally.stop());

test('alice sees her orders', async () => {
  const answer = await tally.fetch('/orders', { as: 'alice', scopes: ['read'] });
  expect(await answer.json()).toEqual({ orders: [{ id: 7, owner: 'alice' }] });
});

test('a caller without the scope cannot order', async () => {
  const answer = await tally.fetch('/orders', { as: 'alice', scopes: ['read'], method: 'POST' });
  expect(answer.status).toBe(403);
  expect(tally.calls.list()).toEqual([]);
});

test('nobody gets in without a token', async () => {
  expect((await tally.fetch('/orders')).status).toBe(401);
});

test('an expired token is refused', async () => {
  const token = await tally.token({ user: 'alice', scopes: ['read'] });
  await tally.expire(token);
  expect((await tally.fetch('/orders', { token })).status).toBe(401);
});

import { getRequestListener } from '@hono/node-server';
import { expect, test } from '@jest/globals';
import { serve } from '@tallystick/testing/serve';
import { type Handler, Hono } from 'hono';
import { AccessTokenError } from './errors.ts';
import { type AccessTokenVariables, type HonoMiddleware, protectWithHono } from './hono.ts';
import { describeMiddleware } from './testing/middleware_contract.ts';

type Environment = { Variables: AccessTokenVariables };

async function start(middleware: HonoMiddleware, handler: Handler<Environment>): Promise<string> {
  const app = new Hono<Environment>();
  app.onError((error, c) => c.text(`fault: ${error.message}`, 500));
  app.use(middleware);
  app.all('*', handler);
  return (await serve(getRequestListener(app.fetch))).origin;
}

describeMiddleware('Hono', async (options) => start(protectWithHono(options), (c) => c.json(c.get('accessToken'))));

const validator = { validate: async () => ({ aud: 'https://api.example.com' }) };

test('the Hono middleware leaves errors of the handler to Hono', async () => {
  const url = await start(protectWithHono({ validator }), () => {
    throw new AccessTokenError('invalid_token', 'of another API, called from here');
  });
  const response = await fetch(url, { headers: { authorization: 'Bearer good' } });
  expect([response.status, await response.text()]).toEqual([500, 'fault: of another API, called from here']);
});

test.each([
  [
    'two Authorization headers',
    '/',
    [
      ['authorization', 'Bearer good'],
      ['authorization', 'Bearer other'],
    ],
    401,
  ],
  ['a token in the query', '/?access_token=good', [['authorization', 'Bearer good']], 400],
])('the Hono middleware refuses %s', async (_what, target, headers, status) => {
  const app = new Hono().use(protectWithHono({ validator })).all('*', (c) => c.text('reached'));
  const answer = await app.request(target, { headers: headers as [string, string][] });
  expect([answer.status, await answer.text()]).toEqual([status, expect.not.stringContaining('reached')]);
});

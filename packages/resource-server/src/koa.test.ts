import { expect, test } from '@jest/globals';
import { serve } from '@tallystick/testing/serve';
import Koa from 'koa';
import { AccessTokenError } from './errors.ts';
import { protectWithKoa } from './koa.ts';
import { describeMiddleware } from './testing/middleware_contract.ts';

async function start(...middleware: Koa.Middleware[]): Promise<string> {
  const app = new Koa();
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      ctx.status = 500;
      ctx.body = `fault: ${(error as Error).message}`;
    }
  });
  for (const each of middleware) app.use(each);
  return (await serve(app.callback())).origin;
}

describeMiddleware('Koa', async (options) =>
  start(protectWithKoa(options), (ctx) => {
    ctx.body = JSON.stringify(ctx.state.accessToken);
  }),
);

test('the Koa middleware leaves errors of later middleware to Koa', async () => {
  const validator = { validate: async () => ({ aud: 'https://api.example.com' }) };
  const url = await start(protectWithKoa({ validator }), () => {
    throw new AccessTokenError('invalid_token', 'of another API, called from here');
  });
  const response = await fetch(url, { headers: { authorization: 'Bearer good' } });
  expect([response.status, await response.text()]).toEqual([500, 'fault: of another API, called from here']);
});

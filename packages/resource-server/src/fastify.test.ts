import { expect, test } from '@jest/globals';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import fastify, { type RouteHandlerMethod } from 'fastify';
import { AccessTokenError } from './errors.ts';
import { protectWithFastify } from './fastify.ts';
import { describeMiddleware } from './testing/middleware_contract.ts';

async function start(hook: ReturnType<typeof protectWithFastify>, handler: RouteHandlerMethod): Promise<string> {
  const app = fastify();
  onTestFinished(() => app.close());
  app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send(`fault: ${error.message}`));
  app.addHook('onRequest', hook);
  app.all('/*', handler);
  return app.listen({ host: '127.0.0.1', port: 0 });
}

describeMiddleware('Fastify', async (options) =>
  start(protectWithFastify(options), async (request) => JSON.stringify(Reflect.get(request, 'accessToken'))),
);

test('the Fastify hook leaves errors of the handler to Fastify', async () => {
  const validator = { validate: async () => ({ aud: 'https://api.example.com' }) };
  const url = await start(protectWithFastify({ validator }), async () => {
    throw new AccessTokenError('invalid_token', 'of another API, called from here');
  });
  const response = await fetch(url, { headers: { authorization: 'Bearer good' } });
  expect([response.status, await response.text()]).toEqual([500, 'fault: of another API, called from here']);
});

test('the Fastify hook keeps the handler from running when it refuses a request', async () => {
  let calls = 0;
  const validator = { validate: async () => ({ aud: 'https://api.example.com' }) };
  const url = await start(protectWithFastify({ validator }), async () => {
    calls += 1;
  });
  expect([(await fetch(url)).status, calls]).toEqual([401, 0]);
});

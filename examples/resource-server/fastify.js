import { protectWithFastify } from '@tallystick/resource-server';
import fastify from 'fastify';

export async function createFastifyListener(options) {
  const app = fastify();
  app.addHook('onRequest', protectWithFastify(options));
  app.all('/orders', async (request) => ({ owner: request.accessToken.claims.sub }));
  await app.ready();
  return app.routing;
}

import { getRequestListener } from '@hono/node-server';
import { protectWithHono } from '@tallystick/resource-server';
import { Hono } from 'hono';

export function createHonoListener(options) {
  const app = new Hono();
  app.use(protectWithHono(options));
  app.all('/orders', (c) => c.json({ owner: c.get('accessToken').claims.sub }));
  return getRequestListener(app.fetch);
}

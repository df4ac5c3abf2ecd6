import { protectWithConnect } from '@tallystick/resource-server';
import express from 'express';

export function createExpressListener(options) {
  const app = express();
  app.use(protectWithConnect(options));
  app.all('/orders', (request, response) => response.json({ owner: request.accessToken.claims.sub }));
  return app;
}

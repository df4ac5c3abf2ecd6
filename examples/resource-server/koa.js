import { protectWithKoa } from '@tallystick/resource-server';
import Koa from 'koa';

export function createKoaListener(options) {
  const app = new Koa();
  app.use(protectWithKoa(options));
  app.use((ctx) => {
    ctx.body = { owner: ctx.state.accessToken.claims.sub };
  });
  return app.callback();
}

import {
  type AccessTokenState,
  createJwtValidator,
  createRemoteJwks,
  protectWithKoa,
} from '@tallystick/resource-server';
import Koa from 'koa';

const issuer = 'https://login.example.com';
const validator = createJwtValidator(
  { issuer, audience: 'https://orders.example' },
  { jwks: createRemoteJwks({ uri: `${issuer}/jwks` }) },
);

export const app = new Koa().use(protectWithKoa({ validator, scopes: () => ['read'] }));
export const typedApp = new Koa<AccessTokenState>().use(protectWithKoa({ validator })).use((ctx) => {
  ctx.body = ctx.state.accessToken.claims.sub;
});

import type { RequestListener } from 'node:http';
import { hasTooManyParameters, MAX_PARAMETERS } from '@tallystick/common';
import {
  type AccessTokenValidator,
  createIntrospectionValidator,
  createJwtValidator,
  createRemoteJwks,
  protectWithKoa,
  type RequiredScopes,
} from '@tallystick/resource-server';
import Koa, { type Middleware } from 'koa';
import { createApiConstraint } from './api_constraint.ts';

export interface SampleApiConfig {
  readonly issuer: string;
  /** The authorization server's endpoints, as reached from here. */
  readonly authorizationServer: { readonly introspectionEndpoint: string; readonly jwksUri: string };
  readonly client: { readonly id: string; readonly secret: string };
  readonly apis: readonly SampleApiRoute[];
  /** Names and addresses under which clients reach the gateway, beside those of this machine. */
  readonly gatewayNames: readonly string[];
  /** Whether the gateway passes client certificates on, with tokens whose binding it cannot see. */
  readonly takesClientCertificates: boolean;
}

export interface SampleApiRoute {
  /** Of the paths as they are here. */
  readonly prefix: string;
  /** Of the same paths at the gateway. */
  readonly publicPrefix: string;
  /** What the `aud` of a token must be, or contain; of several, one. */
  readonly audience: string | readonly string[];
  readonly style: 'jwt' | 'opaque' | 'phantom' | 'split';
  readonly scopes: { readonly [method: string]: RequiredScopes };
  /** Whether the gateway passes DPoP proofs on to this API, which then checks them. */
  readonly getsProof: boolean;
}

export interface SampleApiDependencies {
  /** Epoch milliseconds. Default: real time. */
  readonly now?: () => number;
  /** Calls the authorization server. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * An API that shows what reached it: method, path, the headers as they came (this is a demonstration, so the token is
 * among them) and the claims it validated. It trusts no gateway and validates every request itself.
 */
export function createSampleApi(config: SampleApiConfig, dependencies: SampleApiDependencies = {}): RequestListener {
  const app = new Koa();
  app.silent = true; // Errors are answered; Koa would also print them to the console.
  app.use(async (ctx, next) => {
    if (hasTooManyParameters(ctx.querystring)) {
      ctx.status = 400;
      ctx.body = {
        error: 'invalid_request',
        error_description: `the request has more than ${MAX_PARAMETERS} parameters`,
      };
    } else if (ctx.path === '/healthz') ctx.body = { status: 'ok' };
    else await next();
  });
  const jwks = createRemoteJwks({ uri: config.authorizationServer.jwksUri }, dependencies);
  for (const route of config.apis) app.use(mount(route, [protect(route), show(route)]));

  function protect(route: SampleApiRoute): Middleware {
    const validator: AccessTokenValidator =
      route.style === 'opaque'
        ? createIntrospectionValidator(
            {
              introspectionEndpoint: config.authorizationServer.introspectionEndpoint,
              clientId: config.client.id,
              clientSecret: config.client.secret,
              audience: route.audience,
              issuer: config.issuer,
            },
            dependencies,
          )
        : createJwtValidator({ issuer: config.issuer, audience: route.audience }, { jwks, ...dependencies });
    return protectWithKoa({
      validator,
      scopes: (method) => route.scopes[method] ?? route.scopes['*'] ?? [],
      senderConstraint: createApiConstraint(route, config, dependencies),
    });
  }

  return app.callback();
}

function mount({ prefix }: SampleApiRoute, [protect, show]: readonly [Middleware, Middleware]): Middleware {
  return (ctx, next) => {
    if (ctx.path !== prefix && !ctx.path.startsWith(`${prefix}/`)) return next();
    return protect(ctx, () => show(ctx, next) as Promise<void>);
  };
}

function show({ style }: SampleApiRoute): Middleware {
  return async (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { style, method: ctx.method, path: ctx.url, headers: ctx.headers, claims: ctx.state.accessToken.claims };
  };
}

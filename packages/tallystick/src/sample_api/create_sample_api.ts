import type { IncomingMessage, RequestListener } from 'node:http';
import { performance } from 'node:perf_hooks';
import {
  createOwnNames,
  hasTooManyParameters,
  type IsOwnName,
  type Log,
  MAX_PARAMETERS,
  readHost,
} from '@tallystick/common';
import {
  type AccessTokenValidator,
  certificateOfHeader,
  checkedAtTheGateway,
  createIntrospectionValidator,
  createJwtValidator,
  createRemoteJwks,
  createSenderConstraint,
  protectWithKoa,
  type RequiredScopes,
  type SenderConstraint,
  signatureOf,
} from '@tallystick/resource-server';
import Koa, { type Middleware } from 'koa';

export interface SampleApiConfig {
  readonly issuer: string;
  /** Endpoints of the authorization server, as URLs that this process can reach. */
  readonly authorizationServer: { readonly introspectionEndpoint: string; readonly jwksUri: string };
  /** Client for introspection, which opaque tokens need. */
  readonly client?: { readonly id: string; readonly secret: string } | undefined;
  readonly apis: readonly SampleApiRoute[];
  /** Names and addresses under which clients reach the gateway. Those of this machine are always accepted. */
  readonly gatewayNames: readonly string[];
  /** Whether the gateway forwards client certificates (RFC 9440) for tokens whose binding it cannot read. */
  readonly takesClientCertificates: boolean;
}

export interface SampleApiRoute {
  /** Path prefix at this API. */
  readonly prefix: string;
  /** Path prefix at the gateway. */
  readonly publicPrefix: string;
  /** Accepted values of `aud`. A token needs one of them. */
  readonly audience: string | readonly string[];
  readonly style: 'jwt' | 'opaque' | 'phantom' | 'split';
  readonly scopes: { readonly [method: string]: RequiredScopes };
  /** Whether the gateway forwards DPoP proofs. If so, this API checks them. */
  readonly getsProof: boolean;
}

export interface SampleApiDependencies {
  /** Epoch milliseconds. Default: real time. */
  readonly now?: () => number;
  /** Receives refused requests. Default: nothing is logged. */
  readonly log?: Pick<Log, 'info'>;
  /** Used to call the authorization server. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * An API that answers with the request that it received: method, path, headers (the token included, because this is a demonstration)
 * and validated claims. It validates every request itself and does not rely on the gateway.
 */
export function createSampleApi(config: SampleApiConfig, dependencies: SampleApiDependencies = {}): RequestListener {
  const app = new Koa();
  app.silent = true; // Koa would also print errors, which the client gets as a response, to the console.
  if (dependencies.log) app.use(logRefusals(config.apis, dependencies.log));
  app.use(async (ctx, next) => {
    if (hasTooManyParameters(ctx.querystring)) {
      ctx.status = 400;
      ctx.body = {
        error: 'invalid_request',
        error_description: `the request has more than ${MAX_PARAMETERS} parameters`,
      };
    } else await next();
  });
  const jwks = createRemoteJwks({ uri: config.authorizationServer.jwksUri }, dependencies);
  for (const route of config.apis) app.use(mount(route, [protect(route), show(route)]));

  function introspecting({ audience }: SampleApiRoute): AccessTokenValidator {
    const { issuer, authorizationServer, client } = config;
    if (client === undefined) throw new TypeError('the sample API needs a client to introspect opaque tokens');
    const { introspectionEndpoint } = authorizationServer;
    const { id: clientId, secret: clientSecret } = client;
    return createIntrospectionValidator(
      { introspectionEndpoint, clientId, clientSecret, audience, issuer },
      dependencies,
    );
  }

  function protect(route: SampleApiRoute): Middleware {
    const { issuer } = config;
    const { style, audience } = route;
    return protectWithKoa({
      validator:
        style === 'opaque' ? introspecting(route) : createJwtValidator({ issuer, audience }, { jwks, ...dependencies }),
      scopes: (method) => route.scopes[method] ?? route.scopes['*'] ?? [],
      senderConstraint: createApiConstraint(route, config, dependencies),
    });
  }

  return app.callback();
}

/** Logs the route, not the path: a path may contain a token. The body of a refusal never does. */
function logRefusals(routes: readonly SampleApiRoute[], log: Pick<Log, 'info'>): Middleware {
  return async (ctx, next) => {
    const startedAt = performance.now();
    await next();
    if (ctx.status < 400 || ctx.status >= 500) return;
    const { method, status } = ctx;
    // The bodies of refusals are made in this process: JSON text from the resource server, an object from this API.
    const body: unknown = typeof ctx.body === 'string' && ctx.body.startsWith('{') ? JSON.parse(ctx.body) : ctx.body;
    const { error, error_description: reason } = (body ?? {}) as Readonly<Record<string, unknown>>;
    const route = routes.find(({ prefix }) => isBelow(ctx.path, prefix))?.prefix ?? 'none';
    const milliseconds = Math.round(performance.now() - startedAt);
    log.info({ method, route, status, milliseconds, error, reason }, 'request refused');
  };
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

function mount({ prefix }: SampleApiRoute, [protect, show]: readonly [Middleware, Middleware]): Middleware {
  return (ctx, next) => {
    if (!isBelow(ctx.path, prefix)) return next();
    return protect(ctx, () => show(ctx, next) as Promise<void>);
  };
}

function show({ style }: SampleApiRoute): Middleware {
  return async (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { style, method: ctx.method, path: ctx.url, headers: ctx.headers, claims: ctx.state.accessToken.claims };
  };
}

/**
 * How a route of the API checks the sender constraint of its tokens. If the gateway forwards the proof, the API checks it; the proof
 * for a `split` token is about the token's signature. Otherwise the API relies on the gateway.
 */
function createApiConstraint(
  route: SampleApiRoute,
  { gatewayNames, takesClientCertificates }: SampleApiConfig,
  { now }: SampleApiDependencies,
): SenderConstraint<IncomingMessage> {
  if (!route.getsProof) return checkedAtTheGateway;
  const isGatewayName = createOwnNames(gatewayNames);
  return createSenderConstraint<IncomingMessage>(
    {
      dpop: {
        uriOf: (request) => publicUri(request, route, isGatewayName),
        ...(route.style === 'split' && { clientHeldToken: signatureOf }),
      },
      ...(takesClientCertificates && { certificateOf }),
    },
    { ...(now && { now }) },
  );
}

/**
 * The URI that the client requested from the gateway. A caller that reaches the API directly can send any headers, so the host must
 * be one of the gateway's: otherwise a stolen proof for another server would be accepted.
 *
 * @returns undefined for a host that is not the gateway's
 */
function publicUri(
  { headers, url = '' }: IncomingMessage,
  { prefix, publicPrefix }: SampleApiRoute,
  isGatewayName: IsOwnName,
): string | undefined {
  const proto = headers['x-forwarded-proto']?.toString() ?? 'http';
  const header = headers['x-forwarded-host']?.toString() ?? headers.host ?? '';
  const host = readHost(header);
  if (host === undefined || !isGatewayName(host.name)) return undefined;
  return `${proto}://${header}${publicPrefix.replace(/\/$/, '')}${url.slice(prefix.replace(/\/$/, '').length)}`;
}

/** The gateway replaces this header (RFC 9440 section 2.1). An API that others can reach must not trust it. */
function certificateOf({ headers }: IncomingMessage) {
  const value = headers['client-cert']?.toString();
  return value === undefined ? undefined : certificateOfHeader(value);
}

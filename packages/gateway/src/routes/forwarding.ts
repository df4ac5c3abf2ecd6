import type { GatewayConfig } from '../config/config.ts';
import { prefixAtApi } from '../config/derived.ts';
import type { RouteConfig } from '../config/route.ts';
import { type CorsPolicy, createCorsPolicy } from '../http/cors.ts';
import { createRewriteResponse, type RewriteResponse } from './rewrite_response.ts';
import { parseUpstream } from './upstream.ts';
import { createUpstreamPool, type UpstreamPool } from './upstream_pool.ts';
import { createUpstreamTls, type UpstreamTls } from './upstream_tls.ts';

/** What a route says about the way to its API and back, whatever the request. */
export interface Forwarding {
  /** The route's host, if it has one, and prefix. */
  readonly routeName: string;
  readonly upstreams: UpstreamPool;
  /** Milliseconds for connecting to an upstream, and for each silence of it before the response begins. */
  readonly timeout: number;
  /** The largest request body that is passed on; undefined for any. */
  readonly maxBodyBytes: number | undefined;
  /** Bytes of all headers of a response together, at most. */
  readonly maxResponseHeaderBytes: number;
  /** What was taken from the front of the path, for the API to know where its clients see it. */
  readonly strippedPrefix: string | undefined;
  /** The upstream gets the client's `Host`. */
  readonly preservesHost: boolean;
  /** Subprotocols of WebSockets that begin so hold tokens. */
  readonly tokenSubprotocol: string | undefined;
  /** Undefined where TLS is as everywhere. */
  readonly tls: UpstreamTls | undefined;
  /** Undefined where responses stay as they are. */
  readonly rewriteResponse: RewriteResponse | undefined;
  /** Takes the place of what the API says about CORS. */
  readonly cors: CorsPolicy | undefined;
}

/** What holds for a route that does not override it. */
export type ForwardingDefaults = Pick<GatewayConfig, 'cors' | 'limits' | 'timeouts' | 'upstreamHealth'>;

/**
 * @param now epoch milliseconds
 * @throws {TypeError} for a way that cannot be gone
 */
export function createForwarding(config: RouteConfig, defaults: ForwardingDefaults, now: () => number): Forwarding {
  const { limits, timeouts, upstreamTls, rewriteResponse } = config;
  const { upstreamHealth = defaults.upstreamHealth, cors = defaults.cors } = config;
  const origins = config.upstreams ?? [config.upstream ?? []].flat();
  return {
    routeName: `${config.host ?? ''}${config.prefix}`,
    upstreams: createUpstreamPool(origins, upstreamHealth, now),
    timeout: timeouts?.upstream ?? defaults.timeouts.upstream,
    maxBodyBytes: limits?.maxBodyBytes ?? defaults.limits.maxBodyBytes,
    maxResponseHeaderBytes: limits?.maxResponseHeaderBytes ?? defaults.limits.maxResponseHeaderBytes,
    strippedPrefix: config.rewrite && config.prefix !== '/' ? config.prefix : undefined,
    preservesHost: config.preserveHost,
    tokenSubprotocol: config.tokenSubprotocol,
    tls: upstreamTls && createUpstreamTls(config.prefix, upstreamTls),
    rewriteResponse:
      rewriteResponse &&
      createRewriteResponse(rewriteResponse, {
        prefix: config.prefix,
        prefixAtApi: config.rewrite && prefixAtApi(config),
        hosts: origins.map((origin) => parseUpstream(origin).host),
      }),
    cors: cors && createCorsPolicy(cors),
  };
}

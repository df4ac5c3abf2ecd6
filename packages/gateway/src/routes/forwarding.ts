import type { GatewayConfig } from '../config/config.ts';
import { prefixAtApi } from '../config/derived.ts';
import type { RouteConfig } from '../config/route.ts';
import { type CorsPolicy, createCorsPolicy } from '../http/cors.ts';
import { createRewriteResponse, type RewriteResponse } from './rewrite_response.ts';
import { createUpstreamPool, parseUpstream, type UpstreamPool } from './upstream_pool.ts';
import { createUpstreamTls, type UpstreamTls } from './upstream_tls.ts';

/** The forwarding settings of a route, which are the same for all its requests. */
export interface Forwarding {
  /** The route's host, if any, and prefix. */
  readonly routeName: string;
  /** Resource indicator of its API; undefined on a public route. */
  readonly api: string | undefined;
  readonly upstreams: UpstreamPool;
  /** Milliseconds: the timeout for connecting, and the idle timeout before the response begins. */
  readonly timeout: number;
  /** The limit for request bodies; undefined for none. */
  readonly maxBodyBytes: number | undefined;
  /** The limit for all headers of a response together, in bytes. */
  readonly maxResponseHeaderBytes: number;
  /** The prefix that is removed from the path; the API gets it in `X-Forwarded-Prefix`. */
  readonly strippedPrefix: string | undefined;
  /** The upstream gets the client's `Host`. */
  readonly preservesHost: boolean;
  /** The prefix of WebSocket subprotocols that hold tokens. */
  readonly tokenSubprotocol: string | undefined;
  /** Undefined for the TLS settings of the gateway. */
  readonly tls: UpstreamTls | undefined;
  /** Undefined if responses are not changed. */
  readonly rewriteResponse: RewriteResponse | undefined;
  /** Replaces the CORS headers of the API. */
  readonly cors: CorsPolicy | undefined;
}

/** The defaults of routes. */
export type ForwardingDefaults = Pick<GatewayConfig, 'cors' | 'limits' | 'timeouts' | 'upstreamHealth'>;

/**
 * @param now epoch milliseconds
 * @throws {TypeError} for settings that cannot be used
 */
export function createForwarding(config: RouteConfig, defaults: ForwardingDefaults, now: () => number): Forwarding {
  const { limits, timeouts, upstreamTls, rewriteResponse } = config;
  const { upstreamHealth = defaults.upstreamHealth, cors = defaults.cors } = config;
  const origins = config.upstreams ?? [config.upstream ?? []].flat();
  return {
    routeName: `${config.host ?? ''}${config.prefix}`,
    api: config.api,
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

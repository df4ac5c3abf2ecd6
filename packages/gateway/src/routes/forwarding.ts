import type { CorsPolicy } from '../http/cors.ts';
import type { RewriteResponse } from './rewrite_response.ts';
import type { UpstreamPool } from './upstream_pool.ts';
import type { UpstreamTls } from './upstream_tls.ts';

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

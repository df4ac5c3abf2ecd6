import type { IncomingMessage } from 'node:http';
import type { TokenProblem } from '@tallystick/common';
import type { ResourceServerError } from '@tallystick/resource-server';
import type { Route } from './routes/route.ts';
import type { RequestTrace } from './tracing/request_trace.ts';

/**
 * The source of the JWT of a request.
 *
 * - `none`: the request was refused earlier, or the style needs no JWT
 * - `hit`: the cache
 * - `shared`: the second level of the cache, which gateways share; the JWT was validated
 * - `miss`: the JWT was looked up and validated
 * - `joined`: another request was already looking up the same JWT
 * - `bypass`: the JWT was looked up because the revocation feed is down
 * - `negative`: the token was known to be invalid
 */
export type CacheLevel = 'none' | 'hit' | 'shared' | 'miss' | 'joined' | 'bypass' | 'negative';

/** What is known about one request, for log, metrics and trace. The steps of authorization and forwarding fill it in. */
export interface Decision {
  route?: Route;
  cache: CacheLevel;
  /** The original request, if another gateway requested a decision about it. */
  original?: IncomingMessage;
  /** The shortened token key: it identifies the requests of a token, but not the token. */
  tokenKey?: string;
  /** The client of the token, once its claims are known. */
  client?: string | undefined;
  /** Why the authorization server calls the token inactive, if it says. */
  tokenProblem?: TokenProblem;
  /** The request target contains the client-held token, so it is not logged. */
  isTargetSecret?: boolean;
  /** Why the request was refused, or how the upstream failed. */
  error?: ResourceServerError;
  /** The trace of the request, if requests are traced. */
  trace?: RequestTrace;
}

/** @returns a token key in the form for the log */
export function shortened(tokenKey: string): string {
  return tokenKey.slice(0, 8);
}

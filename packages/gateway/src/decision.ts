import type { IncomingMessage } from 'node:http';
import type { ResourceServerError } from '@tallystick/resource-server';
import type { Route } from './routes/route.ts';
import type { RequestTrace } from './tracing/request_trace.ts';

/**
 * Where the JWT of a request came from.
 *
 * - `none`: no step came that far, or the style needs no JWT
 * - `hit`: the cache
 * - `shared`: the second level of the cache, which gateways share; it was validated
 * - `miss`: it was looked up and validated
 * - `joined`: another request was looking it up already
 * - `bypass`: it was looked up because revocations cannot be heard at the moment
 * - `negative`: the token was known to be no good
 */
export type CacheLevel = 'none' | 'hit' | 'shared' | 'miss' | 'joined' | 'bypass' | 'negative';

/** What the walk found out about one request, for log, metrics and trace. Its steps fill it in as they go. */
export interface Decision {
  route?: Route;
  cache: CacheLevel;
  /** The request that another gateway asked about, if it was not this one. */
  original?: IncomingMessage;
  /** The token key, shortened: enough to find its requests, too little to find the token. */
  tokenKey?: string;
  /** The client-held token is in the request target, which is not logged then. */
  isTargetSecret?: boolean;
  /** What refused the request, or met it upstream. */
  error?: ResourceServerError;
  /** Where requests are traced. */
  trace?: RequestTrace;
}

/** @returns the form in which a token key is logged */
export function shortened(tokenKey: string): string {
  return tokenKey.slice(0, 8);
}

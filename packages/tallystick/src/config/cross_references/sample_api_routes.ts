import type { Config } from '../schema.ts';

type Route = Config['gateway']['routes'][number];

/** Whether the gateway sends the calls of this route to the sample API. */
export function leadsToSampleApi({ upstream, upstreams, public: isPublic }: Route): boolean {
  return upstream === undefined && upstreams === undefined && !isPublic;
}

/** The path prefix that the API sees for calls of this route; empty for all paths. */
export function pathAtApi({ prefix, rewrite }: Pick<Route, 'prefix' | 'rewrite'>): string {
  if (rewrite === undefined) return prefix === '/' ? '' : prefix;
  return 'prefix' in rewrite ? rewrite.prefix : '';
}

import type { Config } from '../schema.ts';

type Route = Config['gateway']['routes'][number];

/** Whether the gateway sends the calls of this route to the sample API. */
export function leadsToSampleApi({ upstream, upstreams, public: isPublic }: Route): boolean {
  return upstream === undefined && upstreams === undefined && !isPublic;
}

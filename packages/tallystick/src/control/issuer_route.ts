import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import type { Issuer } from '../harness/issuer.ts';
import { type Answer, type Call, type Route, route } from './route.ts';

const tenant = z.string().min(1).optional().describe('The id of a tenant. Default: the first issuer.');

/** What a route about one issuer is called with: the issuer, beside what every route is called with. */
export interface IssuerCall<Body, Query> extends Call<Body, Query> {
  readonly issuer: Issuer;
}

/** Makes routes about one issuer: the first one, or the tenant that `tenant` in the query names. */
export function issuerRoutes(harness: Harness) {
  return <Body extends z.ZodType, Query extends z.ZodObject>({
    query,
    handle,
    ...definition
  }: Omit<Route, 'body' | 'query' | 'handle'> & {
    readonly body?: Body;
    readonly query?: Query;
    handle(call: IssuerCall<z.output<Body>, z.output<Query>>): Answer | Promise<Answer>;
  }): Route =>
    route({
      ...definition,
      query: z.strictObject({ tenant, ...query?.shape }),
      handle(call) {
        const named = call.query.tenant as string | undefined;
        const issuer = named === undefined ? harness : harness.tenants.get(named);
        return handle({ ...call, query: call.query as z.output<Query>, issuer });
      },
    });
}

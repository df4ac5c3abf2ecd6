import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import type { Issuer } from '../harness/issuer.ts';

/** Validated input of a route. */
export interface Call<Body, Query> {
  readonly body: Body;
  readonly query: Query;
  /** Path parameters by name. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Aborted when the caller disconnects. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

export interface RouteAnswer {
  readonly description: string;
  readonly schema?: z.ZodType;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** An OpenAPI path template: `/faults/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  /** Documented answers by status, without the errors that every route can return. */
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  handle(call: Call<unknown, unknown>): Answer | Promise<Answer>;
}

/** Defines a route. Its handler gets the input as its schemas describe it. */
export function route<Body extends z.ZodType, Query extends z.ZodObject>(
  definition: Omit<Route, 'body' | 'query' | 'handle'> & {
    readonly body?: Body;
    readonly query?: Query;
    handle(call: Call<z.output<Body>, z.output<Query>>): Answer | Promise<Answer>;
  },
): Route {
  return definition as Route;
}

const tenant = z.string().min(1).optional().describe('Id of a tenant. Default: the first issuer.');

/** Input of a route for one issuer. */
interface IssuerCall<Body, Query> extends Call<Body, Query> {
  readonly issuer: Issuer;
}

/** Defines routes for one issuer: the first one, or the tenant in the query parameter `tenant`. */
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
        const id = call.query.tenant as string | undefined;
        const issuer = id === undefined ? harness : harness.tenants.get(id);
        return handle({ ...call, query: call.query as z.output<Query>, issuer });
      },
    });
}

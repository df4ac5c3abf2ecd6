import type { z } from 'zod';

/** What a route is called with, checked. */
export interface Call<Body, Query> {
  readonly body: Body;
  readonly query: Query;
  /** By the names in the path. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Aborted when the caller has left. */
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
  /** By status; those that any route may give are not named. */
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  handle(call: Call<unknown, unknown>): Answer | Promise<Answer>;
}

/** A route whose handler gets what its schemas describe. */
export function route<Body extends z.ZodType, Query extends z.ZodObject>(
  definition: Omit<Route, 'body' | 'query' | 'handle'> & {
    readonly body?: Body;
    readonly query?: Query;
    handle(call: Call<z.output<Body>, z.output<Query>>): Answer | Promise<Answer>;
  },
): Route {
  return definition as Route;
}

import { z } from 'zod';
import { apiSchema, clientSchema, routeSchema, userSchema } from '../config/schema.ts';
import type { Collection } from '../harness/collections.ts';
import type { Harness } from '../harness/harness.ts';
import type { Issuer } from '../harness/issuer.ts';
import { issuerRoutes, type Route } from './route.ts';

export function collectionRoutes(harness: Harness): Route[] {
  return [
    ...routesOf(harness, {
      path: '/clients',
      singular: 'Client',
      name: 'id',
      schema: clientSchema,
      collection: ({ clients }) => clients,
    }),
    ...routesOf(harness, {
      path: '/users',
      singular: 'User',
      name: 'id',
      schema: userSchema,
      collection: ({ users }) => users,
    }),
    ...routesOf(harness, {
      path: '/apis',
      singular: 'Api',
      name: 'resource',
      schema: apiSchema,
      collection: ({ apis }) => apis,
    }),
    ...routesOf(harness, {
      path: '/routes',
      singular: 'Route',
      name: 'name',
      schema: routeSchema,
      collection: ({ routes }) => routes,
    }),
  ];
}

interface CollectionRoutes<Schema extends z.ZodType> {
  readonly path: string;
  readonly singular: string;
  /** Name of the property that identifies an entry. Its value is percent-encoded in the path. */
  readonly name: string;
  readonly schema: Schema;
  readonly collection: (issuer: Issuer) => Collection<z.output<Schema>, z.input<Schema>>;
}

function routesOf<Schema extends z.ZodType>(
  harness: Harness,
  { path, singular, name, schema, collection }: CollectionRoutes<Schema>,
): Route[] {
  const issuerRoute = issuerRoutes(harness);
  const plural = path.slice(1);
  return [
    issuerRoute({
      method: 'GET',
      path,
      operationId: `list${singular}s`,
      summary: `List the ${plural} of the issuer`,
      answers: { 200: { description: `All ${plural}`, schema: z.object({ [plural]: z.array(schema) }) } },
      handle: ({ issuer }) => ({ status: 200, body: { [plural]: collection(issuer).list() } }),
    }),
    issuerRoute({
      method: 'PUT',
      path,
      operationId: `put${singular}`,
      summary: `Add an entry to the ${plural}, or replace the one with the same ${name}`,
      body: schema,
      answers: {
        200: { description: 'The entry was replaced', schema },
        201: { description: 'The entry was added', schema },
      },
      async handle({ issuer, body }) {
        const { entry, replaced } = await collection(issuer).put(body as z.input<Schema>);
        return { status: replaced ? 200 : 201, body: entry };
      },
    }),
    issuerRoute({
      method: 'DELETE',
      path: `${path}/{${name}}`,
      operationId: `remove${singular}`,
      summary: `Remove an entry from the ${plural}`,
      answers: { 204: { description: 'The entry was removed' }, 404: { description: `No entry with this ${name}` } },
      handle: async ({ issuer, parameters }) => ({
        status: (await collection(issuer).remove(decode(parameters[name]))) ? 204 : 404,
      }),
    }),
  ];
}

function decode(text = ''): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Malformed percent-encoding: no entry has this name.
  }
}

import { z } from 'zod';
import { tenantSchema } from '../config/schema.ts';
import type { Harness } from '../harness/harness.ts';
import { type Route, route } from './route.ts';

const issuer = z.object({ id: z.string(), issuer: z.string() });

export function tenantRoutes({ tenants }: Harness): Route[] {
  return [
    route({
      method: 'GET',
      path: '/tenants',
      operationId: 'listTenants',
      summary: 'The issuers beside the first one',
      answers: { 200: { description: 'All of them', schema: z.object({ tenants: z.array(issuer) }) } },
      handle: () => ({ status: 200, body: { tenants: tenants.list() } }),
    }),
    route({
      method: 'POST',
      path: '/tenants',
      operationId: 'createTenant',
      summary: 'Make an issuer with clients, users, keys, faults and records of its own',
      body: tenantSchema,
      answers: {
        201: { description: 'Its issuer identifier', schema: issuer },
        409: { description: 'There is one of this id' },
      },
      async handle({ body }) {
        const { issuer } = await tenants.create(body);
        return { status: 201, body: { id: body.id, issuer } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/tenants/{id}',
      operationId: 'removeTenant',
      summary: 'Remove an issuer, with its faults and records',
      answers: { 204: { description: 'It is gone' }, 404: { description: 'There is none of this id' } },
      handle: async ({ parameters }) => ({ status: (await tenants.remove(String(parameters.id))) ? 204 : 404 }),
    }),
  ];
}

import { z } from 'zod';
import { activeFaultSchema, faultSchema } from '../harness/faults/schemas.ts';
import type { Harness } from '../harness/harness.ts';
import { issuerRoutes } from './issuer_route.ts';
import type { Route } from './route.ts';

const activeFaults = z.object({ faults: z.array(activeFaultSchema) });

export function faultRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/faults',
      operationId: 'listFaults',
      summary: 'The faults in force',
      answers: { 200: { description: 'Those that have not struck for the last time', schema: activeFaults } },
      handle: ({ issuer }) => ({ status: 200, body: { faults: issuer.faults.list() } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/faults',
      operationId: 'addFaults',
      summary: 'Let calls to the authorization server go wrong',
      body: z.strictObject({ faults: z.array(faultSchema).min(1) }),
      answers: { 201: { description: 'The faults, each with its id', schema: activeFaults } },
      handle: ({ issuer, body }) => ({ status: 201, body: { faults: issuer.faults.add(...body.faults) } }),
    }),
    issuerRoute({
      method: 'DELETE',
      path: '/faults',
      operationId: 'clearFaults',
      summary: 'Let nothing go wrong any more',
      answers: { 204: { description: 'There are no faults' } },
      handle({ issuer }) {
        issuer.faults.clear();
        return { status: 204 };
      },
    }),
    issuerRoute({
      method: 'DELETE',
      path: '/faults/{id}',
      operationId: 'removeFault',
      summary: 'Remove one fault',
      answers: { 204: { description: 'It is gone' }, 404: { description: 'There is none with this id' } },
      handle: ({ issuer, parameters }) => ({ status: issuer.faults.remove(String(parameters.id)) ? 204 : 404 }),
    }),
  ];
}

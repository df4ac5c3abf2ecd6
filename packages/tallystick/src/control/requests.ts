import { z } from 'zod';
import { endpointSchema } from '../harness/faults/schemas.ts';
import type { Harness } from '../harness/harness.ts';
import { nextRequest } from '../harness/requests/create_recorded_requests.ts';
import { recordedRequestSchema } from '../harness/requests/recorded_request.ts';
import { issuerRoutes } from './issuer_route.ts';
import type { Route } from './route.ts';

export function requestRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/requests',
      operationId: 'listRequests',
      summary: 'What the authorization server was asked; secrets and tokens are redacted unless asked for',
      query: z.strictObject({ endpoint: endpointSchema.optional(), secrets: z.enum(['true', 'false']).optional() }),
      answers: {
        200: {
          description: 'The latest, in the order of their answers',
          schema: z.object({ requests: z.array(recordedRequestSchema) }),
        },
      },
      handle: ({ issuer, query: { endpoint, secrets } }) => ({
        status: 200,
        body: { requests: issuer.requests.list({ endpoint, secrets: secrets === 'true' }) },
      }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/requests/next',
      operationId: 'takeNextRequest',
      summary: 'Take the oldest request out of the list, or wait for one',
      body: nextRequest,
      answers: {
        200: { description: 'The request', schema: recordedRequestSchema },
        204: { description: 'None came in time' },
      },
      async handle({ issuer, body, signal }) {
        const request = await issuer.requests.next(body, signal);
        return request === undefined ? { status: 204 } : { status: 200, body: request };
      },
    }),
    issuerRoute({
      method: 'DELETE',
      path: '/requests',
      operationId: 'clearRequests',
      summary: 'Forget the recorded requests',
      answers: { 204: { description: 'The list is empty' } },
      handle({ issuer }) {
        issuer.requests.clear();
        return { status: 204 };
      },
    }),
  ];
}

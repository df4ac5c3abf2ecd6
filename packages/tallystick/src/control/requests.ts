import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { nextRequestFilter } from '../harness/requests/create_recorded_requests.ts';
import { endpointSchema } from '../harness/requests/identify_request.ts';
import { recordedRequestSchema } from '../harness/requests/recorded_request.ts';
import { issuerRoutes, type Route } from './route.ts';

export function requestRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/requests',
      operationId: 'listRequests',
      summary: 'List the requests that the authorization server answered; secrets and tokens are redacted by default',
      query: z.strictObject({ endpoint: endpointSchema.optional(), secrets: z.enum(['true', 'false']).optional() }),
      answers: {
        200: {
          description: 'The latest requests, in the order of their answers',
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
      summary: 'Remove the oldest request from the list, or wait for one',
      body: nextRequestFilter,
      answers: {
        200: { description: 'The request', schema: recordedRequestSchema },
        204: { description: 'No request was answered in time' },
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
      summary: 'Remove the recorded requests',
      answers: { 204: { description: 'The list is empty' } },
      handle({ issuer }) {
        issuer.requests.clear();
        return { status: 204 };
      },
    }),
  ];
}

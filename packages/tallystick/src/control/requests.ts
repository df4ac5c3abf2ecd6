import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import type { Issuer } from '../harness/issuer.ts';
import type { RecordedRequests } from '../harness/requests/create_recorded_requests.ts';
import { requestFields, timeoutSchema } from '../harness/requests/create_recorded_requests.ts';
import { recordedRequestSchema } from '../harness/requests/recorded_request.ts';
import { issuerRoutes, type Route } from './route.ts';

const query = requestFields.extend({ secrets: z.enum(['true', 'false']).optional() });
const nextFilter = requestFields.extend({ timeout: timeoutSchema });

export function requestRoutes(harness: Harness): Route[] {
  return [
    ...routesOf(harness, {
      path: '/requests',
      singular: 'Request',
      what: 'requests to the authorization server and the gateway',
      recorded: ({ requests }) => requests,
    }),
    ...routesOf(harness, {
      path: '/calls',
      singular: 'Call',
      what: 'calls that the APIs behind the gateway received',
      recorded: ({ calls }) => calls,
    }),
  ];
}

interface Recording {
  readonly path: '/requests' | '/calls';
  readonly singular: string;
  readonly what: string;
  readonly recorded: (issuer: Issuer) => RecordedRequests;
}

function routesOf(harness: Harness, { path, singular, what, recorded }: Recording): Route[] {
  const issuerRoute = issuerRoutes(harness);
  const plural = path.slice(1);
  return [
    issuerRoute({
      method: 'GET',
      path,
      operationId: `list${singular}s`,
      summary: `List the ${what}; secrets and tokens are redacted by default`,
      query,
      answers: {
        200: {
          description: 'The latest ones, in the order of their answers',
          schema: z.object({ [plural]: z.array(recordedRequestSchema) }),
        },
      },
      handle({ issuer, query: { server, endpoint, api, method, path, secrets } }) {
        const filter = { server, endpoint, api, method, path, secrets: secrets === 'true' };
        return { status: 200, body: { [plural]: recorded(issuer).list(filter) } };
      },
    }),
    issuerRoute({
      method: 'POST',
      path: `${path}/next`,
      operationId: `takeNext${singular}`,
      summary: `Remove the oldest of the ${what} from the list, or wait for one`,
      body: nextFilter,
      answers: {
        200: { description: 'The request', schema: recordedRequestSchema },
        204: { description: 'No request was answered in time' },
      },
      async handle({ issuer, body, signal }) {
        const request = await recorded(issuer).takeNext(body, signal);
        return request === undefined ? { status: 204 } : { status: 200, body: request };
      },
    }),
    issuerRoute({
      method: 'DELETE',
      path,
      operationId: `clear${singular}s`,
      summary: `Forget the ${what}`,
      answers: { 204: { description: 'The list is empty' } },
      handle({ issuer }) {
        recorded(issuer).clear();
        return { status: 204 };
      },
    }),
  ];
}

import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { InputError } from '../harness/input_error.ts';
import { issuerRoutes, type Route } from './route.ts';

const pendingRequest = z.looseObject({
  handle: z.string(),
  clientId: z.string(),
  scopes: z.array(z.string()),
  bindingMessage: z.string().optional(),
});

const decision = z.strictObject({
  authReqId: z.string().min(1).describe('auth_req_id that the client received (CIBA Core section 7.3).'),
  decision: z.enum(['approve', 'deny']),
});

export function backchannelRequestRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/backchannel-requests',
      operationId: 'listBackchannelRequests',
      summary: 'List the pending backchannel requests (CIBA) for a user',
      query: z.strictObject({ user: z.string().min(1) }),
      answers: {
        200: { description: 'The pending requests', schema: z.object({ requests: z.array(pendingRequest) }) },
      },
      handle: async ({ issuer, query }) => ({
        status: 200,
        body: { requests: await issuer.backchannelRequests.pending(query.user) },
      }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/backchannel-requests/decisions',
      operationId: 'decideBackchannelRequest',
      summary: 'Approve or deny a backchannel request for the user',
      body: decision,
      answers: { 204: { description: 'The request was decided' } },
      async handle({ issuer, body }) {
        try {
          await issuer.backchannelRequests[body.decision](body.authReqId);
        } catch (error) {
          if (!isUnknownRequest(error)) throw error;
          throw new InputError('authReqId', 'no pending request with this auth_req_id');
        }
        return { status: 204 };
      },
    }),
  ];
}

/** Whether the authorization server has no such pending request (oidc-provider's InvalidRequest). */
function isUnknownRequest(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === 400;
}

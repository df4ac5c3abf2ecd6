import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { InputError } from '../harness/input_error.ts';
import { issuerRoutes } from './issuer_route.ts';
import type { Route } from './route.ts';

const pendingRequest = z.looseObject({
  handle: z.string(),
  clientId: z.string(),
  scopes: z.array(z.string()),
  bindingMessage: z.string().optional(),
});

const decision = z.strictObject({
  authReqId: z.string().min(1).describe('As the client got it.'),
  decision: z.enum(['approve', 'deny']),
});

export function backchannelRequestRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/backchannel-requests',
      operationId: 'listBackchannelRequests',
      summary: 'What clients ask a user for on the backchannel (CIBA)',
      query: z.strictObject({ user: z.string().min(1) }),
      answers: {
        200: { description: 'What waits for a decision', schema: z.object({ requests: z.array(pendingRequest) }) },
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
      summary: "Approve or deny a backchannel request in the user's place",
      body: decision,
      answers: { 204: { description: 'It is decided' } },
      async handle({ issuer, body }) {
        try {
          await issuer.backchannelRequests[body.decision](body.authReqId);
        } catch (error) {
          if (!isUnknown(error)) throw error;
          throw new InputError('authReqId', 'there is no such request, or it was decided already');
        }
        return { status: 204 };
      },
    }),
  ];
}

/** The authorization server knows no such request (oidc-provider's InvalidRequest). */
function isUnknown(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === 400;
}

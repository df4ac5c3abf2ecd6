import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { tokenRequestSchema } from '../harness/token_request_schema.ts';
import { issuerRoutes } from './issuer_route.ts';
import type { Route } from './route.ts';

const issuedToken = z.object({
  accessToken: z.string().describe('What the client holds.'),
  jwt: z.string().optional().describe('What the API gets.'),
  tokenType: z.enum(['Bearer', 'DPoP']),
  expiresAt: z.int().describe('Epoch seconds.'),
});

export function tokenRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'POST',
      path: '/tokens',
      operationId: 'issueToken',
      summary: 'Issue an access token without a flow, a good one or a broken one',
      body: tokenRequestSchema,
      answers: { 201: { description: 'The token', schema: issuedToken } },
      handle: async ({ issuer, body }) => ({ status: 201, body: await issuer.issueToken(body) }),
    }),
  ];
}

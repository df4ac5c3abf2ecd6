import { z } from 'zod';
import { type Harness, tokenRequestSchema } from '../harness.ts';
import { type Route, route } from './route.ts';

const issuedToken = z.object({
  accessToken: z.string().describe('What the client holds.'),
  jwt: z.string().optional().describe('What the API gets.'),
  tokenType: z.enum(['Bearer', 'DPoP']),
  expiresAt: z.int().describe('Epoch seconds.'),
});

export function tokenRoutes({ issueToken }: Harness): Route[] {
  return [
    route({
      method: 'POST',
      path: '/tokens',
      operationId: 'issueToken',
      summary: 'Issue an access token without a flow, a good one or a broken one',
      body: tokenRequestSchema,
      answers: { 201: { description: 'The token', schema: issuedToken } },
      handle: async ({ body }) => ({ status: 201, body: await issueToken(body) }),
    }),
  ];
}

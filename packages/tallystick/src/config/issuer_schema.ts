import { z } from 'zod';
import { credentials, httpUrl } from './common_schema.ts';

/** An authorization server other than ours. */
export const issuer = z.strictObject({
  issuer: z.url().describe('Issuer identifier: the `iss` of its tokens.'),
  jwksUri: httpUrl.describe('Where its keys are.'),
  introspectionEndpoint: httpUrl
    .optional()
    .describe(
      'RFC 7662, with `Accept: application/jwt`. For phantom tokens, and for split tokens with `onMiss: introspect`.',
    ),
  client: credentials.optional().describe("The gateway's own client there, which may introspect."),
});

import { z } from 'zod';
import { httpUrl } from './common_schema.ts';
import { introspection, introspectionClient } from './introspection_schema.ts';

/** An authorization server other than ours. */
export const issuer = z.strictObject({
  issuer: httpUrl.describe('Issuer identifier: the `iss` of its tokens.'),
  jwksUri: httpUrl.optional().describe('Where its keys are. Default: where its metadata says (RFC 8414).'),
  introspectionEndpoint: httpUrl
    .optional()
    .describe('RFC 7662. For phantom tokens, and for split tokens with `onMiss: introspect`.'),
  client: introspectionClient.optional().describe("The gateway's own client there, which may introspect."),
  introspection: introspection
    .extend({
      tokenPattern: introspection.shape.tokenPattern
        .unwrap()
        .optional()
        .describe('What its reference tokens look like, all of it. Default: any.'),
    })
    .prefault({})
    .describe('How it is asked about tokens.'),
});

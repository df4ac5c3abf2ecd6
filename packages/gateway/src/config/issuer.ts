import { httpUrl } from '@tallystick/common/config';
import { z } from 'zod';
import { introspection, introspectionClient } from './introspection.ts';

const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

const jwts = z.strictObject({
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .optional()
    .describe('JWS algorithms that are accepted. Default: ES256, ES384, ES512, RS256, PS256, EdDSA and Ed25519.'),
  insecureTypes: z
    .array(z.enum(['JWT', 'absent']))
    .default([])
    .describe(
      'Values of `typ` that are accepted beside `at+jwt`; `absent` stands for none. Weaker than RFC 9068: that a JWT is no ID token can then only be guessed by its claims.',
    ),
  insecureMissingAudience: z
    .boolean()
    .default(false)
    .describe(
      'Accepts JWTs whose `aud` is absent or empty. Weaker than RFC 9068: every access token of the issuer is then good for each of its routes.',
    ),
});

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
  jwts: jwts.prefault({}).describe('How its JWTs differ from RFC 9068.'),
  scopeClaims: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({
      description:
        'Claims that hold scopes, as text or a list, in its JWTs and introspection answers; put together. Default: `scope`.',
      examples: [['scope', 'scp']],
    }),
});

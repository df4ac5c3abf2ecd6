import { httpUrl, type ReadonlyOutput } from '@tallystick/common/config';
import { defaultJwtAlgorithms } from '@tallystick/resource-server';
import { z } from 'zod';
import { introspection, introspectionClient } from './introspection.ts';

/** RFC 8725 section 3.1: with a public secret, or without a key, anybody could sign. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

const jwts = z.strictObject({
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .default([...defaultJwtAlgorithms])
    .describe('Accepted JWS algorithms.'),
  insecureTypes: z
    .array(z.enum(['JWT', 'absent']))
    .default([])
    .describe(
      'Values of `typ` that are accepted in addition to `at+jwt`; `absent` accepts JWTs without it. Weaker than RFC 9068: only the claims then tell an access token from an ID token.',
    ),
  insecureMissingAudience: z
    .boolean()
    .default(false)
    .describe(
      'Accepts JWTs whose `aud` is missing or empty. Weaker than RFC 9068: every access token of the issuer is then valid for each of its routes.',
    ),
});

/** An authorization server other than ours. */
export const issuer = z.strictObject({
  issuer: httpUrl.describe('Issuer identifier: the `iss` of its tokens.'),
  jwksUri: httpUrl.optional().describe('URL of its JWKS. Default: the one in its metadata (RFC 8414).'),
  introspectionEndpoint: httpUrl
    .optional()
    .describe('Introspection endpoint (RFC 7662). Required for phantom, and for split with `onMiss: introspect`.'),
  client: introspectionClient.optional().describe("The gateway's own client there. It must be allowed to introspect."),
  introspection: introspection
    .extend({
      tokenPattern: introspection.shape.tokenPattern
        .unwrap()
        .optional()
        .describe('Regular expression that its reference tokens match as a whole. Default: any token.'),
    })
    .prefault({})
    .describe('How the gateway introspects its tokens.'),
  jwts: jwts.prefault({}).describe('Differences of its JWTs from RFC 9068.'),
  scopeClaims: z
    .array(z.string().min(1))
    .min(1)
    .default(['scope'])
    .meta({
      description:
        'Claims with scopes in its JWTs and introspection answers, each a text or a list. All of them are combined.',
      examples: [['scope', 'scp']],
    }),
});

export type IssuerConfig = ReadonlyOutput<typeof issuer>;
export type JwtConfig = IssuerConfig['jwts'];

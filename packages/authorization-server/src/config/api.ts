import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { claimSetByTheServer } from '@tallystick/common';
import { accessTokenStyle, lifetime, resource, scopes, signingAlgorithm } from '@tallystick/common/config';
import { z } from 'zod';

const pointer = z.string().regex(/^\/(user|client)(\/([^~/]|~[01])*)+$/, {
  error: 'expected a JSON pointer that begins with /user/ or /client/',
});

const audience = z.string().min(1);

export const api = z
  .strictObject({
    resource,
    audience: z
      .union([audience, z.array(audience).min(1)])
      .optional()
      .describe(
        'The `aud` of its tokens, one or several (RFC 9068 section 3). Gateway and sample API check for the resource indicator if it is among them, otherwise for the first. Default: the resource indicator.',
      ),
    accessTokens: accessTokenStyle.default('phantom').describe('Access token style.'),
    scopes: scopes.default([]).describe('Scopes that clients can request.'),
    accessTokenLifetime: lifetime.default(300).describe("Lifetime of the API's access tokens in seconds."),
    signingAlgorithm: signingAlgorithm
      .optional()
      .describe('JWS algorithm of its JWTs. Default: `authorizationServer.signingAlgorithm`.'),
    claims: z
      .union([z.array(z.string()), z.record(z.string(), pointer)])
      .superRefine((names, context) => {
        const name = claimSetByTheServer(Array.isArray(names) ? names : Object.keys(names));
        if (name === undefined) return;
        const path = [Array.isArray(names) ? names.indexOf(name) : name];
        context.addIssue({
          code: 'custom',
          path,
          message: 'expected another claim: the server sets this one itself',
          input: name,
        });
      })
      .default([])
      .meta({
        description:
          "Claims in this API's access tokens: a list of user claims, or a map from claim names to JSON pointers (RFC 6901) into { user: { id, … }, client: { id, name, … } }.",
        examples: [['email', 'role'], { country: '/user/address/country', tenant: '/client/tenant' }],
      }),
    authorizationDetailsTypes: z
      .array(z.string().min(1))
      .default([])
      .describe('Types of `authorization_details` that the API supports (RFC 9396).'),
    encryption: z
      .strictObject({
        alg: z
          .enum(['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512', 'ECDH-ES', 'ECDH-ES+A256KW'])
          .describe('JWE algorithm for the key (RFC 7518 section 4.1).'),
        enc: z
          .enum(['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'])
          .default('A256GCM')
          .describe('JWE algorithm for the content (RFC 7518 section 5.1).'),
        jwk: z.record(z.string(), z.unknown()).describe("The API's public key."),
      })
      .optional()
      .describe(
        "Encryption of the API's access tokens. Only for the style `jwt`: the API can read them, a gateway cannot.",
      ),
  })
  .refine(({ encryption, accessTokens }) => encryption === undefined || accessTokens === 'jwt', {
    path: ['encryption'],
    error: 'expected this only where `accessTokens` is jwt',
  })
  .refine(({ encryption, accessTokens }) => accessTokens !== 'jwt' || !encryption || canEncrypt(encryption), {
    path: ['encryption', 'jwk'],
    error: 'expected a public key (JWK) that fits `alg`: RSA, or EC or X25519',
  });

function canEncrypt({ alg, jwk }: { alg: string; jwk: Record<string, unknown> }): boolean {
  try {
    const type = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }).asymmetricKeyType;
    return alg.startsWith('RSA') ? type === 'rsa' : type === 'ec' || type === 'x25519';
  } catch {
    return false;
  }
}

import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { httpUrl } from '@tallystick/common/config';
import { z } from 'zod';

const publicKey = z
  .looseObject({ kty: z.enum(['EC', 'RSA', 'OKP', 'AKP']).describe('Kind of key (RFC 7517 section 4.1).') })
  .refine((key) => !('d' in key) && !('priv' in key) && isReadable(key), { error: 'expected a public key' });

/** Node.js supports ML-DSA (`AKP`) since version 24.6. */
function isReadable(key: { readonly kty: string }): boolean {
  if (key.kty === 'AKP') return true;
  try {
    return createPublicKey({ key: key as JsonWebKey, format: 'jwk' }).type === 'public';
  } catch {
    return false;
  }
}

export const trustedIssuer = z
  .strictObject({
    issuer: z.string().min(1).describe('The `iss` of its assertions.'),
    jwks: z
      .strictObject({ keys: z.array(publicKey).min(1).describe('Public keys as JWK.') })
      .optional()
      .describe('Its public keys.'),
    jwksUri: httpUrl.optional().describe('URL of its public keys, instead of `jwks`.'),
    algorithms: z
      .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']))
      .min(1)
      .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
      .describe('JWS algorithms of its assertions.'),
    subjects: z
      .record(z.string(), z.string())
      .optional()
      .describe('Map from its user names (`sub`) to the ids of users here. Default: the names are the same.'),
  })
  .refine(({ jwks, jwksUri }) => (jwks === undefined) !== (jwksUri === undefined), {
    path: ['jwks'],
    error: 'expected either jwks or jwksUri',
  });

import { material, maxAge, milliseconds, origin, type ReadonlyOutput, seconds } from '@tallystick/common/config';
import { z } from 'zod';

/** A client that introspects, by how it authenticates (RFC 7662 section 2.1). */
export const introspectionClient = z
  .strictObject({
    id: z.string().min(1).describe('The `client_id`.'),
    secret: z.string().min(1).optional().describe('For client_secret_basic (RFC 6749 section 2.3.1).'),
    privateKey: material
      .optional()
      .describe('For private_key_jwt (RFC 7523): PEM (PKCS #8) or JWK, or a file with it.'),
    algorithm: z
      .enum(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA', 'Ed25519'])
      .optional()
      .describe(
        'JWS algorithm of the assertions. Default: the usual one for the key, such as ES256 for P-256; PS256 for RSA.',
      ),
    keyId: z.string().min(1).optional().describe('`kid` of the assertions. Default: the one of the JWK.'),
    certificate: material
      .optional()
      .describe('For tls_client_auth and self_signed_tls_client_auth (RFC 8705): PEM, or a file with it.'),
    key: material.optional().describe('Private key of the certificate: PEM, or a file with it.'),
    ca: material
      .optional()
      .describe(
        "With a certificate: CAs that are trusted for the authorization server's own certificate, PEM or a file with it. Default: the CAs that the gateway trusts elsewhere.",
      ),
  })
  .superRefine((client, context) => {
    const methods = (['secret', 'privateKey', 'certificate'] as const).filter((name) => client[name] !== undefined);
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message, input: undefined });
    if (methods.length !== 1) refuse('secret', 'expected one of secret, privateKey and certificate');
    if ((client.key === undefined) !== (client.certificate === undefined))
      refuse('key', 'expected it with a certificate, and only with one');
    if (client.privateKey === undefined && client.algorithm !== undefined)
      refuse('algorithm', 'expected it only with a privateKey');
  });

export const introspection = z.strictObject({
  accept: z
    .enum(['application/jwt', 'application/token-introspection+jwt', 'application/json'])
    .default('application/jwt')
    .describe(
      'Media type that the gateway asks for: `application/jwt` is the JWT itself, `application/token-introspection+jwt` is RFC 9701, `application/json` is RFC 7662. For the last two, the gateway makes the JWT for the API, unless the answer contains one as `phantom_token` or `jwt`. For the first, JSON that contains one is accepted too.',
    ),
  maxAge: maxAge
    .optional()
    .describe(
      'Seconds for which an answer may be cached; 0 disables caching. Default: the max-age of its Cache-Control (RFC 7662 section 4).',
    ),
  tokenPattern: z
    .string()
    .refine(isPattern, { error: 'expected a regular expression' })
    .default('[A-Za-z0-9_-]{43}')
    .describe('Regular expression that reference tokens match as a whole. Other tokens are refused without a lookup.'),
  audience: z
    .enum(['required', 'optional'])
    .default('required')
    .describe("Whether a JSON or RFC 9701 answer must contain the API, or the gateway's client, in `aud`."),
  insecureMissingTokenType: z
    .boolean()
    .default(false)
    .describe(
      'With an optional `audience`: also accepts answers that do not say that the token is an access token (`token_type`, `token_use`). Refresh tokens are then accepted as access tokens if the server introspects them.',
    ),
  maxConcurrent: z.int().positive().default(64).describe('Largest number of introspections at one time.'),
  maxWaiting: z
    .int()
    .nonnegative()
    .default(1_000)
    .describe(
      'Largest number of introspections that wait for their turn. Above it, the client with the most of them gets 503.',
    ),
  circuitBreaker: z
    .strictObject({
      failures: z
        .int()
        .nonnegative()
        .default(10)
        .describe('Consecutive failures that open the circuit breaker. 0 disables it.'),
      pause: milliseconds
        .default(2_000)
        .describe('Milliseconds that it stays open. Then one introspection tests the authorization server.'),
    })
    .prefault({})
    .describe('Stops introspections for a while when the authorization server is down.'),
});

export const ownJwts = z.strictObject({
  issuer: origin
    .optional()
    .describe(
      'The `iss` of these JWTs. APIs find the keys at {issuer}/.well-known/jwks.json. Default: `gateway.publicUrl`.',
    ),
  signingKey: material
    .optional()
    .describe(
      'Private JWK that signs them, with `kid` and `alg`, or a file with it. Default: a key kept in the store.',
    ),
  lifetime: seconds.default(300).describe('Longest lifetime of such a JWT, in seconds.'),
});

export type IntrospectionClient = ReadonlyOutput<typeof introspectionClient>;
export type IntrospectionConfig = Omit<ReadonlyOutput<typeof introspection>, 'tokenPattern'>;
export type IntrospectionMediaType = IntrospectionConfig['accept'];
export type CircuitBreakerConfig = IntrospectionConfig['circuitBreaker'];
export type OwnJwtConfig = ReadonlyOutput<typeof ownJwts>;

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

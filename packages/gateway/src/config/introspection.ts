import type { Refuse } from '@tallystick/common/config';
import { maxAge, milliseconds, origin, seconds } from '@tallystick/common/config';
import { z } from 'zod';

const material = z.string().min(1);

/** A client that introspects, by how it authenticates (RFC 7662 section 2.1). */
export const introspectionClient = z
  .strictObject({
    id: z.string().min(1).describe('The `client_id`.'),
    secret: z.string().min(1).optional().describe('For HTTP Basic.'),
    privateKey: material
      .optional()
      .describe('For private_key_jwt (RFC 7523): PEM (PKCS #8) or JWK, or the file that holds it.'),
    algorithm: z
      .enum(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA', 'Ed25519'])
      .optional()
      .describe('JWS algorithm of the assertions. Default: what goes with the key; PS256 for RSA.'),
    keyId: z.string().min(1).optional().describe('The `kid` of the assertions. Default: that of the JWK.'),
    certificate: material
      .optional()
      .describe('For tls_client_auth and self_signed_tls_client_auth (RFC 8705): PEM, or the file that holds it.'),
    key: material.optional().describe('The private key of the certificate: PEM, or the file that holds it.'),
    ca: material
      .optional()
      .describe(
        "CAs of the authorization server's own certificate: PEM, or the file that holds them. Default: the usual ones.",
      ),
  })
  .superRefine((client, context) => {
    const ways = (['secret', 'privateKey', 'certificate'] as const).filter((way) => client[way] !== undefined);
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message, input: undefined });
    if (ways.length !== 1) refuse('secret', 'expected one of secret, privateKey and certificate');
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
      'What the authorization server answers with: the JWT itself, RFC 9701, or RFC 7662. For the last two the gateway makes the JWT for the API, unless there is one in the answer (`phantom_token`, `jwt`). JSON that brings one will do for the first.',
    ),
  maxAge: maxAge
    .optional()
    .describe(
      'Seconds that an answer may be cached, in place of what its Cache-Control says (RFC 7662 section 4); with 0 none is.',
    ),
  tokenPattern: z
    .string()
    .refine(isPattern, { error: 'expected a regular expression' })
    .default('[A-Za-z0-9_-]{43}')
    .describe('What reference tokens look like, all of it; others are refused without a lookup.'),
  audience: z
    .enum(['required', 'optional'])
    .default('required')
    .describe('Whether a JSON or RFC 9701 answer must name the API, or the gateway, as `aud`.'),
  insecureMissingTokenType: z
    .boolean()
    .default(false)
    .describe(
      'With an optional `audience`: accepts answers that do not say either that they are about an access token. Refresh tokens may then pass for access tokens.',
    ),
  maxConcurrent: z.int().positive().default(64).describe('Introspections under way at one time.'),
  maxWaiting: z
    .int()
    .nonnegative()
    .default(1_000)
    .describe('Those that wait for their turn; past it, the client that sent most is answered 503.'),
  circuitBreaker: z
    .strictObject({
      failures: z.int().nonnegative().default(10).describe('Failures in a row that open it; with 0 it never opens.'),
      pause: milliseconds.default(2_000).describe('Milliseconds that it stays open.'),
    })
    .prefault({})
    .describe('Leaves an authorization server alone that is down.'),
});

export const ownJwts = z.strictObject({
  issuer: origin.optional().describe('The `iss` of the JWTs that the gateway makes. Default: `gateway.publicUrl`.'),
  signingKey: material
    .optional()
    .describe(
      'The private JWK that signs them, with `kid` and `alg`, or the file that holds it. Default: one kept in the store.',
    ),
  lifetime: seconds.default(300).describe('Seconds that such a JWT lives, at most.'),
});

type Asked = Pick<z.output<typeof introspection>, 'accept'>;

interface Checked {
  readonly publicUrl?: string | undefined;
  readonly introspection: Asked;
  readonly issuers: readonly { readonly introspection: Asked }[];
  readonly ownJwts: z.output<typeof ownJwts>;
}

/** Who makes JWTs must have a name. */
export function checkIntrospection(gateway: Checked, refuse: Refuse): void {
  const asked = [gateway.introspection, ...gateway.issuers.map((issuer) => issuer.introspection)];
  if (asked.every(({ accept }) => accept === 'application/jwt')) return;
  if (gateway.publicUrl !== undefined || gateway.ownJwts.issuer !== undefined) return;
  refuse(
    ['gateway', 'ownJwts', 'issuer'],
    'expected it, or gateway.publicUrl, since the gateway makes JWTs',
    undefined,
  );
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

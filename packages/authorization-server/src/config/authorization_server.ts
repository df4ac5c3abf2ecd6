import { network, origin, resource, scopes, seconds, signingAlgorithm } from '@tallystick/common/config';
import { z } from 'zod';

/** Seconds. A longer grace would hide a theft. */
const reuseGrace = z.int().min(0).max(60);

export const authorizationServer = z.strictObject({
  backChannelUrl: origin
    .optional()
    .describe('Address at which gateway and API reach the authorization server. Default: the issuer.'),
  signingAlgorithm: signingAlgorithm
    .default('ES256')
    .describe('JWS algorithm of JWT access tokens, unless an API has its own.'),
  idTokenSigningAlgorithm: signingAlgorithm
    .default('RS256')
    .describe(
      'JWS algorithm of ID tokens and other JWTs for clients, unless a client has its own (OpenID Connect Registration section 2).',
    ),
  signingKey: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The first private signing key on a store without keys, as PEM (PKCS #8) or JWK. Default: a generated key.',
    ),
  pkce: z
    .enum(['public', 'all'])
    .default('public')
    .describe(
      'Clients that must use PKCE: public clients only (RFC 9700 section 2.1.1), or all. A client can have its own rule.',
    ),
  defaultApi: resource
    .optional()
    .describe('API of requests without `resource` and `audience`. Default: the only API, if there is one.'),
  defaultScopes: scopes
    .min(1)
    .optional()
    .describe('Scopes of authorization requests without a known scope. Default: such a request is refused.'),
  claimsInIdToken: z
    .boolean()
    .default(true)
    .describe(
      'ID tokens contain the claims of the granted scopes. With `false`, claims are at the userinfo endpoint only (OpenID Connect Core section 5.4).',
    ),
  offlineAccessNeedsConsent: z
    .boolean()
    .default(false)
    .describe(
      'The scope offline_access is ignored in requests without `prompt=consent` (OpenID Connect Core section 11).',
    ),
  introspectionMaxAge: seconds
    .default(60)
    .describe('Maximum time in seconds that an application/jwt introspection response may be cached.'),
  insecurePasswordGrant: z
    .boolean()
    .default(false)
    .describe('Enables the password grant (RFC 6749 section 4.3). Only for tests of old clients.'),
  registeredClientCredentials: z
    .boolean()
    .default(false)
    .describe(
      'Allows the client_credentials grant for clients that registered themselves or are identified by the URL of their metadata. Anyone can then get tokens for every API without a user.',
    ),
  acrValues: z
    .array(z.string().min(1))
    .default(['urn:tallystick:acr:low', 'urn:tallystick:acr:high'])
    .describe(
      'Authentication context classes (`acr`). A sign-in has the first one unless the client requests another.',
    ),
  clientCertificateHeader: z
    .string()
    .regex(/^[\w-]+$/, { error: 'expected the name of a header' })
    .transform((name) => name.toLowerCase())
    .default('client-cert')
    .describe('Header in which a proxy passes the client certificate, in the form of RFC 9440 or as URL-encoded PEM.'),
  trustedProxies: z
    .array(network)
    .default(['127.0.0.0/8', '::1'])
    .describe(
      'Addresses or networks (CIDR) of the proxies that are trusted to set `clientCertificateHeader`. They must set or remove it on every request. Default: proxies on this machine.',
    ),
  reuseGrace: z
    .strictObject({
      code: reuseGrace
        .default(0)
        .describe(
          'Grace for authorization codes, device codes and backchannel requests. Default: none (RFC 6749 section 4.1.2).',
        ),
      refreshToken: reuseGrace
        .default(5)
        .describe('Grace for refresh tokens, which several processes of one client may hold.'),
    })
    .prefault({})
    .describe(
      'Seconds after its first use in which a reused code or refresh token is only refused. After that, reuse counts as theft, and everything issued under the grant is revoked.',
    ),
  pollingInterval: seconds
    .default(5)
    .describe('Polling interval in seconds for device and backchannel clients (RFC 8628 section 3.2).'),
});

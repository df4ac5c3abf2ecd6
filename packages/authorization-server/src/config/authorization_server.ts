import { network, origin, seconds, signingAlgorithm } from '@tallystick/common/config';
import { z } from 'zod';

/** Longer is no race any more, and would hide a theft. */
const reuseGrace = z.int().min(0).max(60);

export const authorizationServer = z.strictObject({
  backChannelUrl: origin
    .optional()
    .describe('How gateway and API reach the authorization server. Default: the issuer.'),
  signingAlgorithm: signingAlgorithm
    .default('ES256')
    .describe('JWS algorithm of ID tokens and JWTs, unless a client or an API has its own.'),
  signingKey: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The private key that signs first on a store that has no keys yet, as PEM (PKCS #8) or JWK. Default: a new one.',
    ),
  introspectionMaxAge: seconds
    .default(60)
    .describe('Seconds that an application/jwt introspection answer may be cached, at most.'),
  insecurePasswordGrant: z
    .boolean()
    .default(false)
    .describe('Switches the password grant on (RFC 6749 section 4.3), for tests of old clients only.'),
  registeredClientCredentials: z
    .boolean()
    .default(false)
    .describe(
      'Whether clients that registered themselves, or are the URL of their metadata, may have the client_credentials grant. Anyone can then get tokens for every API, without a user.',
    ),
  acrValues: z
    .array(z.string().min(1))
    .default(['urn:tallystick:acr:low', 'urn:tallystick:acr:high'])
    .describe('Authentication context classes; a sign-in has the first unless the client asks for another.'),
  clientCertificateHeader: z
    .string()
    .regex(/^[\w-]+$/, { error: 'expected the name of a header' })
    .transform((name) => name.toLowerCase())
    .default('client-cert')
    .describe('Where a proxy passes the client certificate: as RFC 9440 has it, or URL-encoded PEM.'),
  trustedProxies: z
    .array(network)
    .default(['127.0.0.0/8', '::1'])
    .describe(
      'Addresses or networks (CIDR) of the proxies whose `clientCertificateHeader` is believed; they must set it on every request. Default: those on this machine.',
    ),
  reuseGrace: z
    .strictObject({
      code: reuseGrace
        .default(0)
        .describe(
          'Of authorization codes, device codes and backchannel requests. Default: none (RFC 6749 section 4.1.2).',
        ),
      refreshToken: reuseGrace.default(5).describe('Of refresh tokens, which several processes of a client may hold.'),
    })
    .prefault({})
    .describe(
      'Seconds after its use in which a code or refresh token that is presented again is only refused. Later that counts as theft: all that was issued under its grant is revoked.',
    ),
  pollingInterval: seconds
    .default(5)
    .describe('Seconds that a device or backchannel client is told to wait between polls (RFC 8628 section 3.2).'),
});

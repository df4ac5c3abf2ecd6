import { z } from 'zod';

const on = (description: string) => z.boolean().default(true).describe(description);

/** Parts of the protocol that can be enabled and disabled. */
export const features = z.strictObject({
  pushedAuthorizationRequests: on('Pushed authorization requests (RFC 9126).'),
  requestObjects: on('Signed authorization requests, JAR (RFC 9101).'),
  jwtResponseModes: on('Signed authorization responses, JARM.'),
  authorizationDetails: on('Rich authorization requests (RFC 9396), for the types listed by the APIs.'),
  claimsParameter: on('The claims parameter (OpenID Connect Core section 5.5).'),
  dpop: on('DPoP: access tokens bound to a key of the client (RFC 9449), for clients that send a proof.'),
  deviceFlow: on('Device authorization (RFC 8628); the user enters the code at /device.'),
  ciba: on('Client-Initiated Backchannel Authentication, poll and ping; the user approves at /ciba.'),
  clientRegistration: on('Dynamic client registration and management (RFC 7591, RFC 7592); anyone may register.'),
  clientIdMetadataDocuments: on('Client ID metadata documents: clients whose id is the https URL of their metadata.'),
  pairwiseSubjects: on('Pairwise subject identifiers for clients with `subject_type: pairwise`.'),
  backChannelLogout: on('OpenID Connect Back-Channel Logout, for clients with a `backchannel_logout_uri`.'),
  implicit: z
    .boolean()
    .default(false)
    .describe(
      'The implicit grant and the hybrid flow, for old clients that get tokens through the browser (OpenID Connect Core sections 3.2 and 3.3). Others can read such tokens (RFC 9700 section 2.1.2).',
    ),
  mutualTls: z
    .boolean()
    .default(false)
    .describe(
      'Client certificates (RFC 8705), taken from the TLS connection when `tls` is configured. Otherwise a proxy in `authorizationServer.trustedProxies` must set `authorizationServer.clientCertificateHeader` on every request.',
    ),
});

import { z } from 'zod';

const on = (description: string) => z.boolean().default(true).describe(description);

/** The parts of the protocol that can be switched off, or have to be switched on. */
export const features = z.strictObject({
  pushedAuthorizationRequests: on('Pushed authorization requests (RFC 9126).'),
  requestObjects: on('Signed authorization requests, JAR (RFC 9101).'),
  jwtResponseModes: on('Signed authorization responses, JARM.'),
  authorizationDetails: on('Rich authorization requests (RFC 9396), of the types that the APIs name.'),
  claimsParameter: on('The claims parameter (OpenID Connect Core section 5.5).'),
  dpop: on('Access tokens bound to a key of the client (RFC 9449), for clients that send a proof.'),
  deviceFlow: on('Device authorization (RFC 8628); the user enters the code at /device.'),
  ciba: on('Client-Initiated Backchannel Authentication, poll and ping; the user approves at /ciba.'),
  clientRegistration: on('Dynamic client registration and management (RFC 7591, RFC 7592); anyone may register.'),
  clientIdMetadataDocuments: on('Clients that are the https URL of their own metadata.'),
  pairwiseSubjects: on('Subjects of their own for clients with `subject_type: pairwise`.'),
  backChannelLogout: on('OpenID Connect Back-Channel Logout, for clients with a `backchannel_logout_uri`.'),
  mutualTls: z
    .boolean()
    .default(false)
    .describe(
      'Client certificates (RFC 8705): those of the TLS connection with `tls`. Without it, needs a proxy, one of `authorizationServer.trustedProxies`, that sets `authorizationServer.clientCertificateHeader` on every request.',
    ),
});

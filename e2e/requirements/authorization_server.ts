import { design, type Requirements, rfc } from './source.ts';

/** What the authorization server must do. */
export const authorizationServer = {
  'issuer-with-a-path': {
    sentence:
      'an issuer with a path, and its tenants, work behind a proxy that keeps the path and behind one that removes it',
    link: 'https://www.rfc-editor.org/rfc/rfc8414#section-3.1',
  },
  'sign-in-moves-to-the-issuer': {
    sentence:
      "a browser that begins a sign-in under another name of this machine moves to the issuer's host before it gets a cookie",
    link: `${design}#the-authorization-server`,
  },
  'tokens-reveal-nothing': {
    sentence: 'an opaque, phantom or split token that a client holds is no JWT and reveals no claim',
    link: rfc(6749, '1.4'),
  },
  'jti-is-not-the-token': {
    sentence: "the JWT's jti is neither the client-held token nor derived from it",
    link: rfc(7519, '4.1.7'),
  },
  'split-entry-at-rest': {
    sentence: "the store holds the signing input, sealed, under the token key with the token's remaining life",
    link: `${design}#the-store`,
  },
  'split-entry-for-other-gateways': {
    sentence:
      "without store.seal, another vendor's gateway makes the JWT from the entry, a dot and the client-held token",
    link: `${design}#the-store`,
  },
  'dump-holds-no-token': {
    sentence: 'a dump of the store contains no access token, refresh token, code or session of a client',
    link: `${design}#the-store`,
  },
  'anonymous-floods': {
    sentence:
      'a flood of requests without sign-in leaves users able to sign in and call, and removes nothing that they hold',
    link: `${design}#the-store`,
  },
  'store-writer-gains-nothing': {
    sentence:
      'an attacker who can write to the store, but does not know the secret, cannot read, use or invent a credential',
    link: `${design}#the-store`,
  },
  'claims-of-the-user': {
    sentence: "the JWT carries the claims of the user that the API's configuration names",
    link: rfc(9068, '2.2.2'),
  },
  'code-flow': {
    sentence: 'openid-client completes authorization code with PKCE, userinfo and refresh',
    link: rfc(6749, '4.1'),
  },
  'decided-by-the-user': {
    sentence: 'only the user who was asked can decide on a backchannel request, in their own session',
    link: 'https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#section-14',
  },
  'backchannel-ping': {
    sentence:
      'a client that registered for pings gets one over HTTPS when its user has decided (CIBA Core section 10.2)',
    link: 'https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.10.2',
  },
  'metadata-document': {
    sentence: 'a client without registration is identified by the metadata document at its identifier',
    link: 'https://www.ietf.org/archive/id/draft-ietf-oauth-client-id-metadata-document-00.html',
  },
  'client-certificate': {
    sentence: 'a client authenticates with a certificate of a configured CA or with its registered self-signed one',
    link: rfc(8705, '2'),
  },
  'certificate-bound': {
    sentence: 'a token that is requested with a certificate is bound to it, in every style and in introspection',
    link: rfc(8705, '3'),
  },
  'pkce-is-required': { sentence: 'an authorization request without PKCE is refused', link: rfc(9700, '2.1.1') },
  'code-once': {
    sentence: 'a code can be redeemed once, even by two requests at the same time',
    link: rfc(6749, '4.1.2'),
  },
  'loopback-any-port': { sentence: 'a loopback redirect URI matches with any port', link: rfc(8252, '7.3') },
  'refresh-rotates': {
    sentence: 'a refresh token works once; a second use after a short grace period revokes the whole grant',
    link: rfc(9700, '4.14.2'),
  },
  'every-grant-every-style': {
    sentence: 'every grant issues every access token style, and the API behind the gateway learns the same',
    link: `${design}#grants`,
  },
  'grants-in-discovery': {
    sentence: 'discovery names the grants that are switched on, and no others',
    link: rfc(8414, '2'),
  },
  'assertion-works-once': {
    sentence: 'an assertion of a trusted issuer works for one token request',
    link: rfc(7523, '3'),
  },
  'assertion-is-checked': {
    sentence: 'an assertion of another issuer, for another audience or about an unknown user gets invalid_grant',
    link: rfc(7523, '3.1'),
  },
  'password-is-insecure': {
    sentence: 'the log announces the password grant as insecure, and a wrong password gets invalid_grant',
    link: rfc(9700, '2.4'),
  },
  'exchange-for-another-api': {
    sentence: "openid-client exchanges a user's token of any style for one of any style at another API",
    link: rfc(8693, '2'),
  },
  'exchange-names-who-acts': {
    sentence: 'with an actor token, the act claim of the new token names the actor and the previous actors',
    link: rfc(8693, '4.1'),
  },
  'exchange-never-widens': {
    sentence: 'token exchange grants no more scope and no longer lifetime than the subject token has',
    link: rfc(8693, '2.1'),
  },
  'exchange-of-a-good-token': {
    sentence: 'a subject token that is forged, revoked, of another type or another client is refused',
    link: rfc(8693, '2.2.2'),
  },
  'exchanged-belongs-to-the-grant': {
    sentence: 'an exchanged token is revoked with the grant of its subject token',
    link: `${design}#grants`,
  },
  'one-resource-per-request': {
    sentence: 'a request with several or unknown resources gets invalid_target',
    link: rfc(8707, '2'),
  },
  'pushed-authorization-request': {
    sentence: 'openid-client completes authorization code with PKCE from a pushed authorization request',
    link: rfc(9126, '2'),
  },
  'jwt-response-mode': {
    sentence: 'a client that asks for it gets the authorization response as a signed JWT',
    link: 'https://openid.net/specs/oauth-v2-jarm.html#section-2.3',
  },
  'authorization-details': {
    sentence: 'authorization_details that the API knows reach the access token and introspection, others are refused',
    link: rfc(9396, '9'),
  },
  'private-key-jwt': {
    sentence: 'a client authenticates with an assertion signed by its key',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication',
  },
  'signed-request': {
    sentence: 'a signed authorization request is accepted only if its signature is valid',
    link: rfc(9101, '6.2'),
  },
  'discovery-is-true': {
    sentence: 'discovery lists the enabled features and no others',
    link: rfc(8414, '2'),
  },
  'device-flow': {
    sentence: 'openid-client completes the device flow while a user enters the code in a browser',
    link: rfc(8628, '3'),
  },
  'backchannel-authentication': {
    sentence: 'openid-client completes CIBA by polling while a user decides on a page',
    link: 'https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#section-10.1',
  },
  'slow-down': {
    sentence: 'a client that polls too fast gets slow_down from any server, and must wait longer',
    link: rfc(8628, '3.5'),
  },
  'client-registers-itself': {
    sentence: 'a client registers, reads, changes and deletes itself, and gets tokens in every style',
    link: rfc(7591, '3'),
  },
  'registered-without-user': {
    sentence: 'a client that registers itself gets no token without a user, unless that is configured',
    link: rfc(7591, '5'),
  },
  'tokens-go-with-their-owner': {
    sentence:
      'tokens of a removed client or user are refused everywhere once the removal is answered, and stay refused when the name is used again',
    link: rfc(7592, '2.3'),
  },
  'pairwise-subjects': {
    sentence:
      'clients of one sector see one subject for a user, in every style, and clients of another sector see another',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg',
  },
  'back-channel-logout': {
    sentence: 'a logout sends a signed logout token to every client of the session',
    link: 'https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest',
  },
  'claims-parameter': {
    sentence: 'a client gets the individual claims that it asks for',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter',
  },
  'access-token-tells-the-sign-in': {
    sentence: 'the access token contains the time and the method of the sign-in, after a refresh too',
    link: rfc(9068, '2.2.1'),
  },
  'dpop-bound': {
    sentence:
      'an access token that is requested with a DPoP proof is bound to its key: it works with a proof, and nowhere as a bearer token',
    link: rfc(9449, '6'),
  },
  'issuer-in-the-response': {
    sentence: 'an authorization response contains its issuer',
    link: rfc(9207, '2'),
  },
  'store-refuses-write': {
    sentence: 'the token endpoint answers 503 and issues nothing when the store refuses the write',
    link: `${design}#the-authorization-server`,
  },
  'killed-in-mid-issue': {
    sentence:
      'an authorization server killed in mid-issue leaves no record without its split entry, and no entry without its record',
    link: `${design}#the-store`,
  },
  'any-phantom-gateway': {
    sentence: 'a phantom-token gateway that knows nothing about this project works with the introspection endpoint',
    link: `${design}#the-authorization-server`,
  },
  'two-are-one': {
    sentence:
      'two authorization servers on one Redis share everything that either issues, revokes, rotates or registers',
    link: `${design}#the-authorization-server`,
  },
  'tenants-never-meet': {
    sentence: 'issuers in one process share no client, user, key or token, whether configured or made at run time',
    link: `${design}#the-authorization-server`,
  },
  audience: {
    sentence:
      'an API can have one or more audiences besides its resource indicator, and its tokens of every style carry them',
    link: rfc(9068, '3'),
  },
  'signing-algorithm': {
    sentence: 'the JWTs of an API and the ID tokens of a client are signed with the algorithm that it requests',
    link: rfc(9068, '2.1'),
  },
  lifetimes: {
    sentence: 'codes, tokens, sign-ins and pending approvals live as long as configured, and no longer',
    link: `${design}#the-authorization-server`,
  },
  'one-issuer-two-channels': {
    sentence:
      'a browser outside and a client inside a container network see one issuer, working endpoints and equal tokens',
    link: `${design}#the-authorization-server`,
  },
  'keys-rotate': {
    sentence: 'keys rotate while tokens are issued and used, and no call fails',
    link: `${design}#the-authorization-server`,
  },
  'pkce-of-public-clients': {
    sentence: 'a client without a secret must use PKCE, other clients may',
    link: rfc(9700, '2.1.1'),
  },
  'permissive-issuer': {
    sentence:
      'a permissive issuer accepts every client, redirect URI, scope and audience, says so, and changes nothing for the issuers beside it',
    link: `${design}#the-authorization-server`,
  },
  'rs256-id-tokens': {
    sentence: 'ID tokens are signed with RS256 unless the configuration or a client asks for another algorithm',
    link: 'https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata',
  },
  'claims-of-scopes': {
    sentence: 'scopes bring their claims into ID token and userinfo alike, whatever API the access token is for',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims',
  },
  'granted-scope': {
    sentence: 'the token response lists the granted scopes, and a refresh with the first scope works',
    link: rfc(6749, '5.1'),
  },
  'default-api': {
    sentence: 'a request names its API in resource or audience, or gets the default API',
    link: rfc(8707, '2'),
  },
  'no-forced-pages': {
    sentence: 'a signed-in user who has consented sees no page',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest',
  },
  'accessible-pages': {
    sentence:
      'every page works with the keyboard, a screen reader, a narrow window, light and dark, and loads nothing from elsewhere',
    link: 'https://www.w3.org/TR/WCAG22/',
  },
  'posted-authorization-request': {
    sentence: 'an authorization request as a form gets the answer of the same request in a URL',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest',
  },
  'implicit-is-off': {
    sentence: 'tokens pass through the browser only with features.implicit, and a client that asks in vain learns so',
    link: rfc(9700, '2.1.2'),
  },
  'exact-redirect-uris': {
    sentence: 'redirect URIs match exactly, unless a client is configured with patterns',
    link: rfc(9700, '4.1.1'),
  },
  'pages-read-answers': {
    sentence:
      'a page of a client can read the answers of the endpoints that it calls, errors too, and other pages cannot',
    link: 'https://fetch.spec.whatwg.org/#http-cors-protocol',
  },
  'rotation-can-be-off': {
    sentence: 'a client that is configured without rotation keeps its refresh token, which works again',
    link: rfc(9700, '4.14.2'),
  },
  'reuse-grace': {
    sentence: 'a refresh token that is used again within the configured grace is refused, and nothing is revoked',
    link: rfc(9700, '4.14.2'),
  },
  'client-secret-jwt': {
    sentence: 'a client authenticates with an assertion under its secret',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication',
  },
  'signed-userinfo': {
    sentence: 'a client that asks for it gets userinfo as a signed JWT',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse',
  },
  'another-user': {
    sentence: 'prompt=select_account and prompt=create let a signed-in user become another one',
    link: 'https://openid.net/specs/openid-connect-prompt-create-1_0.html',
  },
  'logout-without-a-question': {
    sentence: 'a logout with the ID token of the signed-in user ends the session without a question',
    link: 'https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout',
  },
  'default-scopes': {
    sentence: 'an authorization request without a known scope gets the configured default scopes',
    link: rfc(6749, '3.3'),
  },
  'unsupported-metadata': {
    sentence: 'client metadata that would do nothing is refused by name',
    link: rfc(7591, '3.2.2'),
  },
} as const satisfies Requirements;

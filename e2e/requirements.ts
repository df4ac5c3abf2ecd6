/** Where a requirement comes from. */
const rfc = (number: number, section: string) => `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
const design = 'docs/design.md';

/**
 * What the whole must do, each with the source that says so. Every requirement is cited by at least one test, and every
 * citation is of one of these: `requirements.test.ts` sees to it.
 */
export const requirements = {
  'tokens-reveal-nothing': {
    sentence: 'a client-held opaque, phantom or split token is no JWT and tells nothing',
    link: rfc(6749, '1.4'),
  },
  'jti-is-not-the-token': {
    sentence: "the JWT's jti is neither the client-held token nor derived from it",
    link: rfc(7519, '4.1.7'),
  },
  'api-gets-a-valid-jwt': {
    sentence:
      'the API behind the gateway gets an RFC 9068 JWT that verifies against the JWKS, whatever the client holds',
    link: rfc(9068, '4'),
  },
  'opaque-is-passed-on': {
    sentence: 'an opaque token reaches the API as it is, and the API introspects it',
    link: rfc(7662, '2'),
  },
  'split-joins': {
    sentence: 'for split the API gets exactly signing input + "." + the client-held token',
    link: rfc(7515, '7.1'),
  },
  'split-entry-at-rest': {
    sentence: "the store holds the signing input under the token key with the token's remaining life",
    link: `${design}#the-store`,
  },
  'dump-holds-no-token': {
    sentence: 'a dump of the store holds no access token, refresh token, code or session that a client holds',
    link: `${design}#the-store`,
  },
  'claims-of-the-user': {
    sentence: "the JWT carries the claims of the user that the API's configuration names",
    link: rfc(9068, '2.2.2'),
  },
  'scope-per-method': {
    sentence: 'a method that needs a scope the token lacks is 403 insufficient_scope and names it',
    link: rfc(6750, '3.1'),
  },
  'scope-on-cache-hit': { sentence: 'the scope is checked on a cache hit too', link: `${design}#the-gateway` },
  'audience-is-checked': { sentence: 'a token for one API is 401 at another', link: rfc(9068, '4') },
  'no-token-no-error': {
    sentence: 'a request without a token is 401 with a challenge that names no error',
    link: rfc(6750, '3.1'),
  },
  'api-trusts-nobody': {
    sentence: 'the API called directly validates for itself and answers with an RFC 6750 challenge',
    link: rfc(6750, '3'),
  },
  'code-flow': {
    sentence: 'openid-client completes authorization code with PKCE, userinfo and refresh',
    link: rfc(6749, '4.1'),
  },
  'pkce-is-required': { sentence: 'an authorization request without PKCE is refused', link: rfc(9700, '2.1.1') },
  'code-once': { sentence: 'a code can be redeemed once, also by two at the same time', link: rfc(6749, '4.1.2') },
  'loopback-any-port': { sentence: 'a loopback redirect URI matches with any port', link: rfc(8252, '7.3') },
  'refresh-rotates': {
    sentence: 'a refresh token works once, and using it again revokes the whole grant',
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
    sentence: 'an assertion of a trusted issuer is good for one token request',
    link: rfc(7523, '3'),
  },
  'assertion-is-checked': {
    sentence: 'an assertion of another issuer, for another audience or about nobody here gets invalid_grant',
    link: rfc(7523, '3.1'),
  },
  'password-is-insecure': {
    sentence: 'the password grant is announced in the log as insecure, and a wrong password gets invalid_grant',
    link: rfc(9700, '2.4'),
  },
  'exchange-for-another-api': {
    sentence: "openid-client exchanges a user's token of any style for one of any style at another API",
    link: rfc(8693, '2'),
  },
  'exchange-names-who-acts': {
    sentence: 'with an actor token the new token says in act who acts, and who acted before',
    link: rfc(8693, '4.1'),
  },
  'exchange-never-widens': {
    sentence: 'token exchange gives no more scope and no longer life than the subject token had',
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
    sentence: 'an authorization response comes as a signed JWT when asked for',
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
  'signed-request': { sentence: 'a signed authorization request is as good as its signature', link: rfc(9101, '6.2') },
  'discovery-is-true': {
    sentence: 'discovery tells of what is switched on, and of nothing else',
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
  'client-registers-itself': {
    sentence: 'a client registers, reads, changes and deletes itself, and gets tokens in every style',
    link: rfc(7591, '3'),
  },
  'pairwise-subjects': {
    sentence: 'clients of one sector know a user by one subject, in every style, and others by another',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg',
  },
  'back-channel-logout': {
    sentence: 'a logout is told to the clients of the session by a signed logout token',
    link: 'https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest',
  },
  'claims-parameter': {
    sentence: 'a client gets the single claims that it asks for',
    link: 'https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter',
  },
  'access-token-tells-the-sign-in': {
    sentence: 'the access token says when and how its user signed in, after a refresh too',
    link: rfc(9068, '2.2.1'),
  },
  'dpop-bound': {
    sentence:
      'an access token asked for with a DPoP proof is bound to its key, and no gateway takes it as a bearer token',
    link: rfc(9449, '6'),
  },
  'issuer-in-the-response': {
    sentence: 'an authorization response names its issuer',
    link: rfc(9207, '2'),
  },
  'revocation-of-a-token': {
    sentence: 'after the revocation of a token the next call through any gateway is 401, cached or not',
    link: rfc(7009, '2'),
  },
  'revocation-of-a-grant': {
    sentence: 'revoking a refresh token revokes the access tokens of its grant at every gateway',
    link: rfc(7009, '2.1'),
  },
  'revocation-by-logout': {
    sentence: 'logout revokes the access tokens of the session at every gateway',
    link: 'https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout',
  },
  'poisoned-entry': {
    sentence: 'another signing input under a token key never reaches the API, and the API refuses it too',
    link: `${design}#the-gateway`,
  },
  'authorization-server-stopped': {
    sentence:
      'with the authorization server stopped split, jwt and cached phantom calls go on, others get 503 with Retry-After, and all recovers',
    link: `${design}#failure`,
  },
  'store-stopped': {
    sentence: 'with Redis stopped nothing is 401, nothing is let through unproven, and all recovers by itself',
    link: `${design}#failure`,
  },
  'store-refuses-write': {
    sentence: 'the token endpoint answers 503 and issues nothing when the store refuses the write',
    link: `${design}#the-authorization-server`,
  },
  'one-introspection': {
    sentence: '200 concurrent first calls with one phantom token make one introspection',
    link: `${design}#the-gateway`,
  },
  'killed-in-mid-issue': {
    sentence:
      'an authorization server killed in mid-issue leaves no record without its split entry, and no entry without its record',
    link: `${design}#the-store`,
  },
  'any-phantom-gateway': {
    sentence: 'a phantom-token gateway that knows nothing of this project works with the introspection endpoint',
    link: `${design}#the-authorization-server`,
  },
  'ciba-by-control': {
    sentence: 'the control API approves and denies backchannel requests in the place of a user',
    link: `${design}#the-control-api`,
  },
  'changes-at-run-time': {
    sentence:
      'clients, users, APIs, keys and tenants change while everything runs, and reset brings the configured ones back',
    link: `${design}#the-control-api`,
  },
  'tenants-never-meet': {
    sentence: 'issuers in one process share no client, user, key or token, whether configured or made at run time',
    link: `${design}#the-authorization-server`,
  },
  'keys-rotate': {
    sentence: 'keys rotate while tokens are issued and used, and no call fails',
    link: `${design}#the-authorization-server`,
  },
  'malformed-input': {
    sentence: 'malformed input gets a clear OAuth error at every face and changes nothing',
    link: rfc(6749, '5.2'),
  },
  'no-token-in-a-log': { sentence: 'no token is in any log line at debug level', link: `${design}#logs` },
  'start-banner': {
    sentence: 'tallystick start says how to reach everything, and its commands work when pasted',
    link: `${design}#a-stranger`,
  },
  'stops-cleanly': { sentence: 'Ctrl-C stops everything cleanly', link: `${design}#a-stranger` },
  'demo-walks': {
    sentence: 'tallystick demo shows what client, store, gateway and API hold in each style',
    link: `${design}#a-stranger`,
  },
  'config-explains': {
    sentence: 'a wrong configuration stops the start with the path of the bad value and what was expected',
    link: `${design}#configuration`,
  },
  'control-api-absent': {
    sentence: 'there is no control API unless it is enabled, and then it is on this machine only',
    link: `${design}#the-control-api`,
  },
  'control-api-explains': {
    sentence: 'bad input to the control API is 400, names the path of the offending value and changes nothing',
    link: `${design}#the-control-api`,
  },
  'control-api-keeps-out': {
    sentence: 'the control API answers no web page of another origin, and none under another host name',
    link: `${design}#the-control-api`,
  },
  'control-api-described': {
    sentence: 'the OpenAPI document names every route of the control API and no other',
    link: `${design}#the-control-api`,
  },
  'fault-then-recovery': {
    sentence:
      'a 503 of the introspection endpoint for the next 2 calls is two 503s at the gateway, and then it recovers',
    link: `${design}#faults`,
  },
  'fault-is-503': {
    sentence: 'introspection that is slow, garbled, mislabelled or cut off is 503 at the gateway, and then it recovers',
    link: `${design}#faults`,
  },
  'fault-of-one-client': { sentence: 'a fault for one client strikes no other', link: `${design}#faults` },
  'scripted-answer-once': {
    sentence: 'a scripted answer is given exactly once and exactly so',
    link: `${design}#faults`,
  },
  'clock-moves-all': {
    sentence:
      "past a token's lifetime by the clock it is 401 at gateway and API, cached or not, and back in time it is not",
    link: `${design}#clock`,
  },
  'clock-is-its-own': {
    sentence: 'moving the clock of one Tallystick moves no other clock in the process',
    link: `${design}#clock`,
  },
  'clock-on-redis': {
    sentence: 'on Redis, whose clock nobody moves, moving the clock is refused with 409',
    link: `${design}#clock`,
  },
  'requests-are-recorded': {
    sentence: 'what the authorization server was asked can be listed, taken one by one and waited for',
    link: `${design}#recorded-requests`,
  },
  'requests-are-redacted': {
    sentence: 'recorded requests show no secret, token, code or cookie unless asked to',
    link: `${design}#recorded-requests`,
  },
  'minted-token-works': {
    sentence: 'a token issued without a flow works like one of a flow in every style',
    link: `${design}#tokens-without-a-flow`,
  },
  'broken-token-is-401': {
    sentence: 'a token that is broken on purpose is 401 at the gateway and at the API',
    link: `${design}#tokens-without-a-flow`,
  },
  'reset-forgets': {
    sentence: 'a reset leaves no fault, script, record, moved clock or token, and nothing of others on the same Redis',
    link: `${design}#reset`,
  },
} as const satisfies Record<string, { sentence: string; link: string }>;

export type RequirementId = keyof typeof requirements;

/** The title of a test that shows the requirement; `also` tells several such tests apart. */
export function requirement(id: RequirementId, also = ''): string {
  return `${requirements[id].sentence}${also && ` (${also})`} [${id}]`;
}

import { design, type Requirements, rfc } from './source.ts';

/** What the gateway must do. */
export const gateway = {
  'api-gets-a-valid-jwt': {
    sentence:
      'the API behind the gateway gets an RFC 9068 JWT that verifies against the JWKS, whatever the client holds',
    link: rfc(9068, '4'),
  },
  'opaque-is-passed-on': {
    sentence: 'an opaque token reaches the API unchanged, and the API introspects it',
    link: rfc(7662, '2'),
  },
  'split-joins': {
    sentence: 'a split API gets exactly signing input + "." + the client-held token',
    link: rfc(7515, '7.1'),
  },
  'api-with-its-callers-token': {
    sentence: 'a split API can call as its caller until the token is revoked; a phantom API cannot',
    link: `${design}#the-authorization-server`,
  },
  'scope-per-method': {
    sentence: 'a request whose token lacks a scope of its method gets 403 insufficient_scope, which names the scope',
    link: rfc(6750, '3.1'),
  },
  'scope-on-cache-hit': { sentence: 'the scope is checked on a cache hit too', link: `${design}#the-gateway` },
  'audience-is-checked': { sentence: 'a token for one API gets 401 at another', link: rfc(9068, '4') },
  'no-token-no-error': {
    sentence: 'a request without a token gets 401 with a challenge that names no error',
    link: rfc(6750, '3.1'),
  },
  'api-trusts-nobody': {
    sentence: 'an API that is called directly validates the token itself and answers with an RFC 6750 challenge',
    link: rfc(6750, '3'),
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
  'dpop-at-the-gateway': {
    sentence: 'a token that is bound to a DPoP key works with proofs of that key, in every style, nonces included',
    link: rfc(9449, '7'),
  },
  'dpop-proof-once': {
    sentence: 'a DPoP proof is good for one request, at whichever gateway on the store',
    link: rfc(9449, '11.1'),
  },
  'dpop-own-host': {
    sentence: 'a DPoP proof for another host is refused, whatever Host and X-Forwarded-Host say',
    link: rfc(9449, '4.3'),
  },
  'dpop-store-stopped': {
    sentence:
      'a request with a DPoP proof gets 503 and is not forwarded while the store cannot tell whether the proof was used before',
    link: `${design}#failure`,
  },
  'dpop-no-downgrade': {
    sentence: 'a DPoP-bound token is refused as a bearer token, and an unbound token is refused as a DPoP token',
    link: rfc(9449, '7.2'),
  },
  'dpop-metadata': {
    sentence: 'challenges and metadata announce DPoP and its algorithms',
    link: rfc(9728, '2'),
  },
  'dpop-end-to-end': {
    sentence:
      'an API that asks for the proof gets it and checks it itself, also for a split token, whose signature the proof covers',
    link: rfc(9449, '7.1'),
  },
  'certificate-at-the-gateway': {
    sentence: 'a token that is bound to a client certificate works with that certificate only',
    link: rfc(8705, '3'),
  },
  'mcp-client': {
    sentence:
      'an MCP client of the official SDK discovers, registers, authorizes and calls an MCP server behind the gateway',
    link: 'https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization',
  },
  'token-handler': {
    sentence: 'an application in a browser signs users in and calls its API without ever holding a token',
    link: 'https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps#section-6.1',
  },
  'token-handler-cookies': {
    sentence: 'tokens are only in cookies that scripts cannot read, as references or encrypted',
    link: `${design}#the-gateway`,
  },
  'token-handler-refresh': {
    sentence: 'a session continues with its refresh token, even when several tabs refresh at the same time',
    link: rfc(9700, '4.14'),
  },
  'token-handler-logout': {
    sentence: 'a logout ends the session in the browser and revokes its tokens',
    link: rfc(7009, '2'),
  },
  'token-handler-csrf': {
    sentence: "only pages of the application can use a browser's cookies, and only as intended",
    link: 'https://www.w3.org/TR/fetch-metadata/',
  },
  'decides-for-others': {
    sentence: 'another gateway that asks for a decision gets the JWT for the API, or the refusal with its challenge',
    link: `${design}#the-gateway`,
  },
  'decides-for-trusted': {
    sentence: 'only a trusted proxy gets a decision, and only about a request that it describes',
    link: `${design}#the-gateway`,
  },
  'nginx-asks': {
    sentence: 'a real NGINX with the configuration in deploy/ serves every style, and refuses as the gateway does',
    link: `${design}#the-gateway`,
  },
  'caddy-asks': {
    sentence: 'a real Caddy with the configuration in deploy/ serves every style, and refuses as the gateway does',
    link: `${design}#the-gateway`,
  },
  'haproxy-asks': {
    sentence: 'a real HAProxy with the configuration in deploy/ serves every style, and refuses as the gateway does',
    link: `${design}#the-gateway`,
  },
  'ingress-nginx-asks': {
    sentence:
      'a real NGINX, configured as ingress-nginx does by the annotations in deploy/, serves every style and refuses',
    link: `${design}#the-gateway`,
  },
  metrics: {
    sentence: "/metrics shows an operator the gateway's decisions and the state of its dependencies, and no token",
    link: `${design}#operations`,
  },
  traces: {
    sentence:
      "one trace contains the request's span, the introspection and the upstream call, and continues the client's trace",
    link: 'https://www.w3.org/TR/trace-context/',
  },
  'traces-hold-no-secret': {
    sentence: 'no token, cookie, path or query is in any span',
    link: `${design}#operations`,
  },
  'traces-do-no-harm': {
    sentence: 'a tracing failure affects no request',
    link: `${design}#operations`,
  },
  reload: {
    sentence: 'on SIGHUP a gateway uses its changed configuration file or logs why it does not, and no call fails',
    link: `${design}#operations`,
  },
  workers: {
    sentence: 'several workers serve as one gateway, report their metrics as one, and stop together',
    link: `${design}#operations`,
  },
  drains: {
    sentence: 'on SIGTERM a gateway accepts no new connection and finishes the requests in flight',
    link: `${design}#operations`,
  },
  'drains-after-a-delay': {
    sentence: 'on SIGTERM a role reports not ready, serves for the drain delay, and then stops',
    link: `${design}#operations`,
  },
  'server-pages': {
    sentence: 'each server on a loopback address says at `/` what it is and links on, without a secret',
    link: `${design}#operations`,
  },
  'refusals-are-explained': {
    sentence: 'the log says why an access token was refused and whose it is, and the client learns no more than before',
    link: 'https://www.rfc-editor.org/rfc/rfc7662#section-2.2',
  },
  health: {
    sentence: 'every server says at /healthz that it lives, and at /readyz whether it can serve',
    link: `${design}#operations`,
  },
  signals: {
    sentence: 'SIGINT and SIGTERM stop every role cleanly, and SIGHUP makes it reload its configuration',
    link: `${design}#operations`,
  },
  'web-socket-ends-with-its-token': {
    sentence:
      'a WebSocket closes when its access token expires or is revoked, and an outage of the feed closes none with a valid token',
    link: `${design}#the-gateway`,
  },
} as const satisfies Requirements;

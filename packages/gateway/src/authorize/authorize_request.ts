import type { IncomingMessage } from 'node:http';
import {
  type AccessTokenClaims,
  AccessTokenError,
  type PresentedAccessToken,
  readAccessToken,
  refuseTokenInQuery,
  requireScopes,
} from '@tallystick/resource-server';
import { type Decision, shortened } from '../decision.ts';
import type { Destination } from '../forward/forwarder.ts';
import type { Via } from '../forward/via.ts';
import { RequestError } from '../http/errors.ts';
import { readTokenSubprotocol } from '../http/token_subprotocol.ts';
import type { SenderOf } from '../http/trusted_proxies.ts';
import { isInTarget } from '../routes/request_target.ts';
import type { ProtectedRoute, Route } from '../routes/route.ts';
import type { FindRoute } from '../routes/route_table.ts';
import type { Resolver } from '../tokens/resolver.ts';
import type { FillCache, TokenCache } from '../tokens/token_cache.ts';
import { type Credentials, credentialsOf } from './credentials.ts';
import type { CertificateOf, CheckSenderConstraint } from './sender_constraint.ts';
import type { ReadTokenCookie } from './token_cookie.ts';

export interface AuthorizeDependencies {
  readonly findRoute: FindRoute;
  /** The resolver of a route whose style has JWTs. */
  readonly resolverFor: (route: ProtectedRoute) => Resolver;
  readonly cache: TokenCache;
  readonly fill: FillCache;
  readonly senderOf: SenderOf;
  readonly via: Via;
  readonly readTokenCookie: ReadTokenCookie;
  readonly checkSenderConstraint: CheckSenderConstraint;
  /** Undefined when the gateway reads no client certificates. */
  readonly certificateOf: CertificateOf | undefined;
}

/**
 * Authorizes a request in these steps: route, credentials, resolve and validate, sender constraint, scopes. The caller forwards it to the
 * returned destination.
 *
 * @param request has passed the request checks
 * @param decision records the outcome of each step
 * @throws {ResourceServerError} when the request is refused
 */
export async function authorizeRequest(
  request: IncomingMessage,
  dependencies: AuthorizeDependencies,
  decision: Decision,
): Promise<Destination> {
  const { url: target = '', method = '' } = request;

  const route = dependencies.findRoute(target, request.headers.host);
  decision.route = route;
  refuseLoop(request, dependencies.via, decision);
  refuseGrpc(request, decision);
  if (route.isPublic) {
    const { forwarding } = route;
    const clientHeld = unwantedToken(request);
    if (clientHeld !== undefined) refuseTokenInTarget(target, clientHeld, decision);
    return { forwarding, target: targetAtApi(route, target), authorization: undefined, clientHeld };
  }

  // Even if the token is elsewhere: the API may prefer the one in the query.
  if (route.config.accessTokenInQuery !== 'forward') refuseTokenInQuery(target);
  const presented = route.tokenCookie
    ? ({ scheme: 'Bearer', token: await dependencies.readTokenCookie(request, route.tokenCookie) } as const)
    : readPresented(request, route);
  const credentials = credentialsOf(presented, route.tokenShape);
  decision.tokenKey = shortened(credentials.key);
  refuseTokenInTarget(target, credentials.token, decision);

  const { accessToken, claims } =
    route.accessTokens === 'opaque'
      ? passReference(credentials)
      : await resolveAndValidate(request, route, credentials, dependencies, decision);

  if (claims !== undefined) decision.client = claims.client_id;
  const checking = dependencies.checkSenderConstraint({ request, method, target }, route, credentials, claims);
  const dpopNonce = checking === undefined ? undefined : await checking;
  requireRouteScopes(route, method, claims);

  const validated = { credentials, accessToken, certificateOf: dependencies.certificateOf };
  const { authorization, dpop, clientCertificate } = upstreamCredentials(request, route, validated);
  // Written out for speed: an object made by spreading is slower to create and to read.
  return {
    forwarding: route.forwarding,
    target: targetAtApi(route, target),
    credentials,
    claims,
    clientHeld: credentials.token,
    authorization,
    dpop,
    clientCertificate,
    dpopNonce,
  };
}

/**
 * RFC 5842 section 7.2. This comes before the token is read: a request that comes back has the JWT for the API, which would get 401. A
 * decision for another gateway is exempt, because that gateway may stand behind this one.
 */
function refuseLoop(request: IncomingMessage, via: Pick<Via, 'hasPassed'>, { original }: Decision): void {
  if (original !== undefined || !via.hasPassed(request)) return;
  throw new RequestError(
    'loop_detected',
    'the request has come back to the gateway: the upstream of a route leads to it',
  );
}

/** A decision for another gateway is exempt: that gateway does the forwarding. */
function refuseGrpc({ headers }: IncomingMessage, { original }: Decision): void {
  if (original !== undefined || !/^application\/grpc(?:[+;\s]|$)/i.test(headers['content-type'] ?? '')) return;
  throw new RequestError(
    'not_implemented',
    'gRPC needs HTTP/2 and trailers, which the gateway does not support; use gRPC-Web',
  );
}

function readPresented(
  request: IncomingMessage,
  { config: { tokenSubprotocol } }: ProtectedRoute,
): PresentedAccessToken {
  const token = tokenSubprotocol === undefined ? undefined : readTokenSubprotocol(request, tokenSubprotocol);
  if (token !== undefined) return { scheme: 'Bearer', token };
  return readAccessToken(request, undefined, { query: 'ignore' });
}

function targetAtApi({ rewrite }: Route, target: string): string {
  return rewrite === undefined ? target : rewrite(target);
}

/** A token on a public route. It is not validated, only kept from the API. */
function unwantedToken({ headers: { authorization } }: IncomingMessage): string | undefined {
  return authorization === undefined ? undefined : /^(?:bearer|dpop) +([\w.~+/=-]{16,})/i.exec(authorization)?.[1];
}

/** RFC 6750 section 5.3, for any place in the target: the target is sent upstream unchanged, and gets into logs on its way. */
function refuseTokenInTarget(target: string, token: string, decision: Decision): void {
  if (!isInTarget(token, target)) return;
  decision.isTargetSecret = true;
  throw new AccessTokenError('invalid_request', 'an access token must not be sent in the request target');
}

/** A JWT is validated once, before it is cached or forwarded. A cache hit checks its `exp` and its signing key again. */
async function resolveAndValidate(
  request: IncomingMessage,
  route: ProtectedRoute,
  credentials: Credentials,
  { cache, fill, senderOf, resolverFor }: AuthorizeDependencies,
  decision: Decision,
) {
  const lookup = { route, credentials, decision, sender: senderOf(request) };
  const { kept, claims } = await cache.resolve(lookup, fill);
  return { accessToken: resolverFor(route).join(kept, credentials.token), claims };
}

/** What the credentials for the API are made from. */
interface ValidatedCredentials {
  readonly credentials: Credentials;
  /** The token for the API. */
  readonly accessToken: string;
  readonly certificateOf: CertificateOf | undefined;
}

/**
 * The credentials for the API. The JWT is sent as a bearer token, because the gateway has checked the sender constraint. An API that
 * checks it itself gets the proof too (RFC 9449 section 7.1), or the certificate (RFC 9440 section 2.1).
 */
function upstreamCredentials(
  request: IncomingMessage,
  { accessTokens, config }: ProtectedRoute,
  { credentials: { scheme }, accessToken, certificateOf }: ValidatedCredentials,
): Pick<Destination, 'authorization' | 'dpop' | 'clientCertificate'> {
  const apiChecksSender = config.dpop?.forward === true || accessTokens === 'opaque';
  const hasProof = scheme === 'DPoP' && apiChecksSender;
  const certificate = apiChecksSender ? certificateOf?.(request) : undefined;
  return {
    authorization: `${hasProof ? scheme : 'Bearer'} ${accessToken}`,
    dpop: hasProof ? request.headers.dpop?.toString() : undefined,
    clientCertificate: certificate && `:${certificate.raw.toString('base64')}:`,
  };
}

/**
 * Requires the scopes that the route needs for the method. Without claims (`opaque`, where the API introspects the token) only the method
 * is checked.
 *
 * @throws {AccessTokenError} `insufficient_scope`
 * @throws {RequestError} `method_not_allowed` for a method that the route does not list
 */
function requireRouteScopes(route: ProtectedRoute, method: string, claims: AccessTokenClaims | undefined): void {
  const scopes = route.scopes.get(method) ?? route.scopes.get('*');
  if (scopes === undefined) throw new RequestError('method_not_allowed', 'the API does not serve this method');
  if (claims !== undefined) requireScopes(claims, scopes);
}

/** `opaque`: the API gets the reference and introspects it. The gateway does not know its claims. */
function passReference({ token }: Credentials) {
  return { accessToken: token, claims: undefined };
}

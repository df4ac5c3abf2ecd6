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

/** What the steps need. */
export interface AuthorizeDependencies {
  readonly findRoute: FindRoute;
  /** How a route whose style has JWTs finds them. */
  readonly resolverFor: (route: ProtectedRoute) => Resolver;
  readonly cache: TokenCache;
  readonly fill: FillCache;
  readonly senderOf: SenderOf;
  readonly via: Via;
  readonly readTokenCookie: ReadTokenCookie;
  readonly checkSenderConstraint: CheckSenderConstraint;
  /** Where certificates of clients are looked at. */
  readonly certificateOf: CertificateOf | undefined;
}

/**
 * The way of a request through the gateway: route, credentials, resolve and validate, sender constraint, authorize. What is left is
 * to forward it to the destination returned.
 *
 * @param request was checked
 * @param decision is filled in on the way
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

  // Wherever the token is: an API may read this one in its place.
  if (route.accessTokenInQuery === 'refuse') refuseTokenInQuery(target);
  const presented = route.tokenCookie
    ? ({ scheme: 'Bearer', token: await dependencies.readTokenCookie(request, route.tokenCookie) } as const)
    : readPresented(request, route);
  const credentials = credentialsOf(presented, route.tokenShape);
  decision.tokenKey = shortened(credentials.key);
  refuseTokenInTarget(target, credentials.token, decision);

  const { accessToken, claims } =
    route.style === 'opaque'
      ? passReference(credentials)
      : await resolveAndValidate(request, route, credentials, dependencies, decision);

  const checking = dependencies.checkSenderConstraint({ request, method, target }, route, credentials, claims);
  const dpopNonce = checking === undefined ? undefined : await checking;
  requireRouteScopes(route, method, claims);

  const presentable = { credentials, accessToken, certificateOf: dependencies.certificateOf };
  const { authorization, dpop, clientCertificate } = upstreamCredentials(request, route, presentable);
  // Member by member: an object that is spread together is slow to make, and slow to read for all who come after.
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
 * RFC 5842 section 7.2. Before anything is made of the token: the one of a request that comes back is made for the API, and would be
 * refused as none. For another gateway's question it says nothing: that one may stand behind this one.
 */
function refuseLoop(request: IncomingMessage, via: Pick<Via, 'hasPassed'>, { original }: Decision): void {
  if (original !== undefined || !via.hasPassed(request)) return;
  throw new RequestError(
    'loop_detected',
    'the request has come back to the gateway: the upstream of a route leads to it',
  );
}

/** It needs what HTTP/1.1 does not have. What another gateway asks about, that one forwards itself. */
function refuseGrpc({ headers }: IncomingMessage, { original }: Decision): void {
  if (original !== undefined || !/^application\/grpc(?:[+;\s]|$)/i.test(headers['content-type'] ?? '')) return;
  throw new RequestError(
    'not_implemented',
    'gRPC needs HTTP/2 and trailers, which the gateway has not; gRPC-Web passes',
  );
}

function readPresented(request: IncomingMessage, { tokenSubprotocol }: ProtectedRoute): PresentedAccessToken {
  const token = tokenSubprotocol === undefined ? undefined : readTokenSubprotocol(request, tokenSubprotocol);
  if (token !== undefined) return { scheme: 'Bearer', token };
  return readAccessToken(request, undefined, { query: 'ignore' });
}

function targetAtApi({ rewrite }: Route, target: string): string {
  return rewrite === undefined ? target : rewrite(target);
}

/** Where no token is asked for, the one that a client sends all the same is not looked at; it only goes no further. */
function unwantedToken({ headers: { authorization } }: IncomingMessage): string | undefined {
  return authorization === undefined ? undefined : /^(?:bearer|dpop) +([\w.~+/=-]{16,})/i.exec(authorization)?.[1];
}

/** RFC 6750 section 5.3, for any place in the target: it goes upstream as it is, and into logs on its way. */
function refuseTokenInTarget(target: string, token: string, decision: Decision): void {
  if (!isInTarget(token, target)) return;
  decision.isTargetSecret = true;
  throw new AccessTokenError('invalid_request', 'an access token must not be sent in the request target');
}

/** A JWT is validated once, before it is cached or forwarded; a hit looks at its `exp` and its signing key again. */
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

/** What the walk found out, as far as the API is to know it. */
interface Presented {
  readonly credentials: Credentials;
  /** For the API. */
  readonly accessToken: string;
  readonly certificateOf: CertificateOf | undefined;
}

/**
 * What the API gets for credentials. The JWT goes as a bearer token: the client has shown here that it is its own. Where the API
 * is to see that for itself, it gets the proof too (RFC 9449 section 7.1), or the certificate (RFC 9440 section 2.1).
 */
function upstreamCredentials(
  request: IncomingMessage,
  { style, dpop }: Pick<ProtectedRoute, 'style' | 'dpop'>,
  { credentials: { scheme }, accessToken, certificateOf }: Presented,
): Pick<Destination, 'authorization' | 'dpop' | 'clientCertificate'> {
  const checksItself = dpop.forward || style === 'opaque';
  const isProved = scheme === 'DPoP' && checksItself;
  const certificate = checksItself ? certificateOf?.(request) : undefined;
  return {
    authorization: `${isProved ? scheme : 'Bearer'} ${accessToken}`,
    dpop: isProved ? request.headers.dpop?.toString() : undefined,
    clientCertificate: certificate && `:${certificate.raw.toString('base64')}:`,
  };
}

/**
 * Lets a request pass that has the scopes its route needs for its method. Where there are no claims, because the API finds
 * them out for itself, only the method is looked at.
 *
 * @throws {AccessTokenError} `insufficient_scope`
 * @throws {RequestError} `method_not_allowed` for a method that the route has no scopes for
 */
function requireRouteScopes(route: ProtectedRoute, method: string, claims: AccessTokenClaims | undefined): void {
  const scopes = route.scopes.get(method) ?? route.scopes.get('*');
  if (scopes === undefined) throw new RequestError('method_not_allowed', 'the API does not serve this method');
  if (claims !== undefined) requireScopes(claims, scopes);
}

/** `opaque`: the API gets the reference and introspects it itself. The gateway knows nothing about it. */
function passReference({ token }: Credentials) {
  return { accessToken: token, claims: undefined };
}

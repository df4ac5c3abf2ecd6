import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { containsText, listMembers } from '@tallystick/common';
import { withoutCookies } from '../http/cookies.ts';
import { RequestError } from '../http/errors.ts';
import type { PublicOrigin } from '../http/public_origin.ts';
import { withoutTokenSubprotocols } from '../http/token_subprotocol.ts';
import type { IsTrustedProxy } from '../http/trusted_proxies.ts';
import type { Via } from './via.ts';

/** Where proxies say at which address the client is. */
export const addressHeaders: readonly string[] = [
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'fastly-client-ip',
  'cf-connecting-ip*',
];

/**
 * Names under which APIs behind other gateways expect to be told who calls. A client must not be able to tell them.
 * `*` at the end stands for any rest; every character that is not a letter or digit counts as `-`.
 */
export const defaultIdentityHeaders: readonly string[] = [
  'x-user',
  'x-user-*',
  'x-userid',
  'x-username',
  'x-principal',
  'x-subject',
  'x-tenant-id',
  'x-email',
  'x-groups',
  'x-role',
  'x-roles',
  'x-scopes',
  'x-auth-*',
  'x-authenticated-*',
  'x-jwt-*',
  'x-token-*',
  'x-id-token',
  'x-access-token',
  'x-userinfo',
  'x-consumer-*',
  'x-anonymous-consumer',
  'x-credential-*',
  'x-client-id',
  'x-client-cert',
  'x-client-cert-*',
  'x-client-dn',
  'x-client-verify',
  'x-tls-client-cert',
  'x-ssl-cert',
  'x-ssl-client-*',
  'ssl-client-*',
  'x-remote-user',
  'x-remote-*',
  'remote-user',
  'remote-*',
  'x-webauth-*',
  'oidc-*',
  'shib-*',
  'mellon-*',
  'sm-*',
  'impersonate-*',
  'x-endpoint-api-userinfo',
  'x-apigateway-api-userinfo',
  'x-goog-authenticated-user-*',
  'x-goog-iap-*',
  'x-ms-client-principal*',
  'x-ms-token-*',
  'x-arr-clientcert',
  'x-amzn-oidc-*',
  'x-amzn-mtls-*',
  'x-hasura-*',
  'x-serverless-authorization',
  'cf-access-*',
  'x-pomerium-*',
  'x-authentik-*',
  'x-vouch-*',
  'tailscale-*',
  ...addressHeaders,
];

/**
 * Never taken from a client. Where it came from (RFC 7239) is told by the gateway; a second opinion on the path or the
 * method would be authorized as one request and served as another; `Proxy` becomes HTTP_PROXY in CGI (CVE-2016-5385).
 */
const untrustedHeaders = [
  'forwarded',
  'x-forwarded',
  'x-forwarded-*',
  'x-original-*',
  'x-originating-url',
  'x-envoy-original-*',
  // Next.js left its middleware out for requests that had it (CVE-2025-29927).
  'x-middleware-subrequest',
  'x-host',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'proxy',
  // The gateway itself tells it (RFC 9440), to APIs that check for themselves.
  'client-cert',
  'client-cert-chain',
];

/** RFC 9110 section 7.6.1, and what else is for this hop only. `transfer-encoding` is looked at apart. */
const hopByHopHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  'expect',
  // The client's credentials are for the gateway, which has none of its own to pass on under this name.
  'authorization',
  'proxy-authorization',
]);

/** Made for the gateway. What an API is to get of it, it is given anew. */
const proof = 'dpop';

/** How long the body is must be told even if `Connection` names these: without them a body would be read as a request. */
const framingHeaders = new Set(['content-length', 'transfer-encoding']);

/**
 * A header's name as an API may come to know it: CGI, WSGI, PHP and others make one character of all that is not a letter
 * or a digit, so that `X_User` and `X.User` are `X-User` there.
 *
 * @param name in lower case
 */
export function foldName(name: string): string {
  return name.replace(/[^a-z0-9]/g, '-');
}

export interface RequestHeaderOptions {
  /** Names of cookies that hold tokens. They do not go upstream, nor do those whose names begin with one of them and a hyphen. */
  readonly tokenCookies?: readonly string[];
  /** Tells that the request went through this gateway. */
  readonly via: Pick<Via, 'appended'>;
  /** Names of identity headers, as {@link defaultIdentityHeaders}. */
  readonly identityHeaders: readonly string[];
  /** Scheme and authority under which clients reach the gateway. Default: what the connection and `Host` say. */
  readonly publicUrl?: string | undefined;
  /** What requests of trusted proxies say of where they came from is passed on. Default: of none. */
  readonly isTrustedProxy?: IsTrustedProxy | undefined;
  readonly publicOrigin?: PublicOrigin | undefined;
  /** Where trusted proxies pass the client certificate, in lower case. It is not for APIs, whoever sent it. */
  readonly certificateHeader?: string | undefined;
}

export interface RequestHeaderFacts {
  /** The upstream's `Host`. */
  readonly host: string;
  /** It gets the client's instead. */
  readonly preservesHost?: boolean;
  /** Subprotocols of WebSockets that begin so hold tokens, and do not go upstream. */
  readonly tokenSubprotocol?: string | undefined;
  /** The upstream's `Authorization`; undefined for none. */
  readonly authorization: string | undefined;
  /** The client-held token, wherever else the client has put it; undefined where none is asked for. */
  readonly clientHeld: string | undefined;
  /** The proof that the upstream is to check, if any. */
  readonly dpop?: string | undefined;
  /** What was taken from the front of the path, if anything. */
  readonly strippedPrefix?: string | undefined;
  /** The client's certificate, if the upstream is to know it: `:<base64 of DER>:` (RFC 9440 section 2.1). */
  readonly clientCertificate?: string | undefined;
}

/** Makes the headers that go upstream from those the client sent. @throws {RequestError} */
export type RequestHeaders = (request: IncomingMessage, facts: RequestHeaderFacts) => IncomingHttpHeaders;

export function createRequestHeaders(options: RequestHeaderOptions): RequestHeaders {
  const isUntrusted = matcherOfNames([
    ...untrustedHeaders,
    ...options.identityHeaders,
    proof,
    ...(options.certificateHeader === undefined ? [] : [options.certificateHeader]),
  ]);
  const staysHere = remembering((name) => hopByHopHeaders.has(name) || isUntrusted(name) || isInDisguise(name));
  const { via, tokenCookies = [], isTrustedProxy = () => false, publicOrigin } = options;
  const publicUrl = options.publicUrl === undefined ? undefined : new URL(options.publicUrl);

  return (request, facts) => {
    const { host, preservesHost, authorization, clientHeld, dpop, clientCertificate, strippedPrefix } = facts;
    const sent = request.headers;
    const named = connectionNames(sent.connection);
    const headers: IncomingHttpHeaders = {};
    for (const name in sent) {
      if (staysHere(name)) continue;
      if (named?.has(name) && !framingHeaders.has(name)) continue;
      headers[name] = sent[name];
    }
    if (sent['transfer-encoding'] !== undefined) headers['transfer-encoding'] = checkedTransferEncoding(sent);
    if (tokenCookies.length > 0 && sent.cookie !== undefined) {
      const kept = withoutCookies(sent.cookie, tokenCookies);
      if (kept === undefined) delete headers.cookie;
      else headers.cookie = kept;
    }
    if (facts.tokenSubprotocol !== undefined) removeTokenSubprotocols(headers, facts.tokenSubprotocol);
    if (clientHeld !== undefined) removeToken(headers, clientHeld);
    headers.host = (preservesHost === true && sent.host) || host;
    headers.via = via.appended(request);
    if (authorization !== undefined) headers.authorization = authorization;
    if (dpop !== undefined) headers.dpop = dpop;
    if (strippedPrefix !== undefined) headers['x-forwarded-prefix'] = strippedPrefix;
    if (clientCertificate !== undefined) headers['client-cert'] = clientCertificate;
    headers['x-forwarded-for'] = request.socket.remoteAddress ?? 'unknown';
    headers['x-forwarded-host'] = publicUrl?.host ?? sent.host ?? '';
    headers['x-forwarded-proto'] =
      publicUrl?.protocol.slice(0, -1) ?? ((request.socket as TLSSocket).encrypted ? 'https' : 'http');
    if (isTrustedProxy(request)) tellWhatProxySaid(headers, request, publicOrigin?.(request));
    return headers;
  };
}

/** A client may hold its token up in more than one header, and an API, or its log, may look there. */
function removeToken(headers: IncomingHttpHeaders, clientHeld: string): void {
  for (const name in headers) if (containsText(String(headers[name]), clientHeld)) delete headers[name];
}

function removeTokenSubprotocols(headers: IncomingHttpHeaders, prefix: string): void {
  const offered = headers['sec-websocket-protocol'];
  const kept = offered === undefined ? undefined : withoutTokenSubprotocols(offered, prefix);
  if (kept !== undefined) headers['sec-websocket-protocol'] = kept;
  else if (offered !== undefined) delete headers['sec-websocket-protocol'];
}

/** The proxy stands where the client would: what it says of the client holds further on too. */
function tellWhatProxySaid(headers: IncomingHttpHeaders, request: IncomingMessage, origin: string | undefined): void {
  const before = request.headers['x-forwarded-for']?.toString();
  if (before !== undefined) headers['x-forwarded-for'] = `${before}, ${headers['x-forwarded-for']}`;
  if (origin === undefined) return;
  const { host, protocol } = new URL(origin);
  headers['x-forwarded-host'] = host;
  headers['x-forwarded-proto'] = protocol.slice(0, -1);
}

/** The headers of a request that asks to change to WebSocket (RFC 6455 section 4.1). It has no body. */
export function withUpgrade(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    throw new RequestError('invalid_request', 'a request to upgrade must not have a body');
  }
  return { ...headers, connection: 'Upgrade', upgrade: 'websocket' };
}

/** Header names that `Connection` lists are for the next hop only (RFC 9110 section 7.6.1). */
function connectionNames(connection: string | undefined): Set<string> | undefined {
  if (connection === undefined || /^(?:keep-alive|close|upgrade)$/i.test(connection)) return undefined;
  return new Set(listMembers(connection.toLowerCase()));
}

/** To an API that folds names, `Content_Length` says how long the body is, and `Proxy.Authorization` who calls. */
function isInDisguise(name: string): boolean {
  const folded = foldName(name);
  return folded !== name && (framingHeaders.has(folded) || hopByHopHeaders.has(folded));
}

/** RFC 9112 section 6.1: what is not understood is 501; and it never comes with a length. */
function checkedTransferEncoding(headers: IncomingHttpHeaders): string {
  if (headers['content-length'] !== undefined) {
    throw new RequestError('invalid_request', 'the request has both Content-Length and Transfer-Encoding');
  }
  if (headers['transfer-encoding']?.toLowerCase() !== 'chunked') {
    throw new RequestError('not_implemented', 'the only transfer coding that is supported is chunked');
  }
  return 'chunked';
}

/** Whether a lower-case header name is one of the names given; `name*` matches every name that begins so. */
export function matcherOfNames(patterns: readonly string[]): (name: string) => boolean {
  const lower = patterns.map((pattern) => pattern.toLowerCase());
  const exact = new Set(lower.filter((pattern) => !pattern.endsWith('*')).map(foldName));
  const beginnings = lower.filter((pattern) => pattern.endsWith('*')).map((pattern) => foldName(pattern.slice(0, -1)));
  return (name) => {
    const known = foldName(name);
    return exact.has(known) || beginnings.some((beginning) => known.startsWith(beginning));
  };
}

const REMEMBERED_NAMES = 500;

/** The same few names come with every request; a client that makes names up does not fill the memory. */
function remembering(finds: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const found = finds(name);
    if (known.size < REMEMBERED_NAMES) known.set(name, found);
    return found;
  };
}

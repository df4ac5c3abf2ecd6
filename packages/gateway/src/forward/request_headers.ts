import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { containsText, listMembers } from '@tallystick/common';
import { withoutCookies } from '../http/cookies.ts';
import { RequestError } from '../http/errors.ts';
import type { PublicOrigin } from '../http/public_origin.ts';
import { withoutTokenSubprotocols } from '../http/token_subprotocol.ts';
import type { IsTrustedProxy } from '../http/trusted_proxies.ts';
import type { Via } from './via.ts';

/**
 * Headers that a client cannot pass to an API. The gateway itself says where the request came from (RFC 7239). A header that
 * overrides the path or the method would be authorized as one request and served as another. `Proxy` becomes HTTP_PROXY in CGI
 * (CVE-2016-5385).
 */
const untrustedHeaders = [
  'forwarded',
  'x-forwarded',
  'x-forwarded-*',
  'x-original-*',
  'x-originating-url',
  'x-envoy-original-*',
  // Next.js skipped its middleware for requests with this header (CVE-2025-29927).
  'x-middleware-subrequest',
  'x-host',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'proxy',
  // The gateway sets it (RFC 9440) for APIs that check the certificate themselves.
  'client-cert',
  'client-cert-chain',
];

/** RFC 9110 section 7.6.1, and other headers for this hop only. `transfer-encoding` is handled separately. */
const hopByHopHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  'expect',
  // The client's credentials are for the gateway. The API gets its own `Authorization`.
  'authorization',
  'proxy-authorization',
]);

/** The client's proof is for the gateway. An API that checks proofs gets it from {@link RequestHeaderFacts.dpop}. */
const proof = 'dpop';

/** These stay even if `Connection` names them: without framing, the upstream would read the body as the next request. */
const framingHeaders = new Set(['content-length', 'transfer-encoding']);

/**
 * Folds a header name as APIs may do: CGI, WSGI, PHP and others replace every character that is not a letter or digit, so that
 * `X_User` and `X.User` mean `X-User` there.
 *
 * @param name in lower case
 */
export function foldName(name: string): string {
  return name.replace(/[^a-z0-9]/g, '-');
}

export interface RequestHeaderOptions {
  /** Names of cookies that hold tokens. These cookies, and cookies whose names begin with one of them and a hyphen, are removed. */
  readonly tokenCookies?: readonly string[];
  readonly via: Pick<Via, 'appended'>;
  /** Names of identity headers, as `gateway.identityHeaders`. */
  readonly identityHeaders: readonly string[];
  /** Scheme and authority under which clients reach the gateway. Default: taken from the connection and `Host`. */
  readonly publicUrl?: string | undefined;
  /** The forwarding headers of trusted proxies are passed on. Default: no proxy is trusted. */
  readonly isTrustedProxy?: IsTrustedProxy | undefined;
  readonly publicOrigin?: PublicOrigin | undefined;
  /** The header in which trusted proxies pass the client certificate, in lower case. It is always removed. */
  readonly certificateHeader?: string | undefined;
}

export interface RequestHeaderFacts {
  /** The upstream's `Host`. */
  readonly host: string;
  /** The upstream gets the client's `Host` instead. */
  readonly preservesHost?: boolean;
  /** Subprotocols of WebSockets with this prefix hold tokens, and are removed. */
  readonly tokenSubprotocol?: string | undefined;
  /** The `Authorization` header for the upstream; undefined for none. */
  readonly authorization: string | undefined;
  /** The client-held token, to be removed from all other headers; undefined on a public route. */
  readonly clientHeld: string | undefined;
  /** The DPoP proof, if the upstream checks it. */
  readonly dpop?: string | undefined;
  /** The prefix that was removed from the path, if any. */
  readonly strippedPrefix?: string | undefined;
  /** The client's certificate, if the upstream needs it: `:<base64 of DER>:` (RFC 9440 section 2.1). */
  readonly clientCertificate?: string | undefined;
}

/** Creates the headers for the upstream from the ones that the client sent. @throws {RequestError} */
export type RequestHeaders = (request: IncomingMessage, facts: RequestHeaderFacts) => IncomingHttpHeaders;

export function createRequestHeaders(options: RequestHeaderOptions): RequestHeaders {
  const isUntrusted = createNameMatcher([
    ...untrustedHeaders,
    ...options.identityHeaders,
    proof,
    ...(options.certificateHeader === undefined ? [] : [options.certificateHeader]),
  ]);
  const isRemoved = memoize((name) => hopByHopHeaders.has(name) || isUntrusted(name) || foldsToReserved(name));
  const { via, tokenCookies = [], isTrustedProxy = () => false, publicOrigin } = options;
  const publicUrl = options.publicUrl === undefined ? undefined : new URL(options.publicUrl);

  return (request, facts) => {
    const { host, preservesHost, authorization, clientHeld, dpop, clientCertificate, strippedPrefix } = facts;
    const sent = request.headers;
    const connectionOptions = readConnectionOptions(sent.connection);
    const headers: IncomingHttpHeaders = {};
    for (const name in sent) {
      if (isRemoved(name)) continue;
      if (connectionOptions?.has(name) && !framingHeaders.has(name)) continue;
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
    if (isTrustedProxy(request)) addProxyHeaders(headers, request, publicOrigin?.(request));
    return headers;
  };
}

/** A client may send its token in several headers, and an API may read or log them. */
function removeToken(headers: IncomingHttpHeaders, clientHeld: string): void {
  for (const name in headers) if (containsText(String(headers[name]), clientHeld)) delete headers[name];
}

function removeTokenSubprotocols(headers: IncomingHttpHeaders, prefix: string): void {
  const offered = headers['sec-websocket-protocol'];
  const kept = offered === undefined ? undefined : withoutTokenSubprotocols(offered, prefix);
  if (kept !== undefined) headers['sec-websocket-protocol'] = kept;
  else if (offered !== undefined) delete headers['sec-websocket-protocol'];
}

/** Passes on what a trusted proxy says about the client. */
function addProxyHeaders(headers: IncomingHttpHeaders, request: IncomingMessage, origin: string | undefined): void {
  const before = request.headers['x-forwarded-for']?.toString();
  if (before !== undefined) headers['x-forwarded-for'] = `${before}, ${headers['x-forwarded-for']}`;
  if (origin === undefined) return;
  const { host, protocol } = new URL(origin);
  headers['x-forwarded-host'] = host;
  headers['x-forwarded-proto'] = protocol.slice(0, -1);
}

/** Adds the headers of a WebSocket handshake (RFC 6455 section 4.1). @throws {RequestError} for a request with a body */
export function withUpgrade(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    throw new RequestError('invalid_request', 'a request to upgrade must not have a body');
  }
  return { ...headers, connection: 'Upgrade', upgrade: 'websocket' };
}

/** The connection options: names of headers that are for this hop only (RFC 9110 section 7.6.1). */
function readConnectionOptions(connection: string | undefined): Set<string> | undefined {
  if (connection === undefined || /^(?:keep-alive|close|upgrade)$/i.test(connection)) return undefined;
  return new Set(listMembers(connection.toLowerCase()));
}

/** An API that folds names reads `Content_Length` as the length of the body, and `Proxy.Authorization` as credentials. */
function foldsToReserved(name: string): boolean {
  const folded = foldName(name);
  return folded !== name && (framingHeaders.has(folded) || hopByHopHeaders.has(folded));
}

/** RFC 9112 section 6.1: an unknown transfer coding gets 501; `Content-Length` is not allowed beside it. */
function checkedTransferEncoding(headers: IncomingHttpHeaders): string {
  if (headers['content-length'] !== undefined) {
    throw new RequestError('invalid_request', 'the request has both Content-Length and Transfer-Encoding');
  }
  if (headers['transfer-encoding']?.toLowerCase() !== 'chunked') {
    throw new RequestError('not_implemented', 'the only transfer coding that is supported is chunked');
  }
  return 'chunked';
}

/** @param patterns header names; `name*` matches every name with this prefix. @returns a predicate for names in lower case */
export function createNameMatcher(patterns: readonly string[]): (name: string) => boolean {
  const lower = patterns.map((pattern) => pattern.toLowerCase());
  const exact = new Set(lower.filter((pattern) => !pattern.endsWith('*')).map(foldName));
  const prefixes = lower.filter((pattern) => pattern.endsWith('*')).map((pattern) => foldName(pattern.slice(0, -1)));
  return (name) => {
    const folded = foldName(name);
    return exact.has(folded) || prefixes.some((prefix) => folded.startsWith(prefix));
  };
}

const maximumMemoizedNames = 500;

/** Memoizes a predicate: every request has the same few names. The limit bounds the memory for invented names. */
function memoize(predicate: (name: string) => boolean): (name: string) => boolean {
  const results = new Map<string, boolean>();
  return (name) => {
    const known = results.get(name);
    if (known !== undefined) return known;
    const result = predicate(name);
    if (results.size < maximumMemoizedNames) results.set(name, result);
    return result;
  };
}

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { lastMember } from '@tallystick/common';
import { foldName } from '../forward/request_headers.ts';
import { RequestError } from '../http/errors.ts';
import type { DecisionEndpointConfig } from './config.ts';

/**
 * The request that another gateway asks about, as if it had come here: its method, target and host, with the headers and the
 * connection of the one that asks.
 *
 * @throws {RequestError} `invalid_request` when the gateway does not say which request it is, or the client says that it is another
 */
export function originalRequest(request: IncomingMessage, endpoint: DecisionEndpointConfig): IncomingMessage {
  refuseSecondOpinions(request.headers, endpoint);
  const { method, url, origin } = told(request, endpoint);
  return Object.create(request, {
    method: { value: method },
    url: { value: url },
    headers: { value: { ...request.headers, ...origin } },
  });
}

/** What a question says of the original request. */
interface Told {
  readonly method: string | undefined;
  readonly url: string;
  /** Headers that say which origin it is for, in place of those that a client may have sent. */
  readonly origin: IncomingHttpHeaders;
}

function told(request: IncomingMessage, { for: kind, path }: DecisionEndpointConfig): Told {
  const { headers, method, url = '' } = request;
  switch (kind) {
    case 'nginx':
      return toldByNginx(headers);
    case 'traefik':
      return { ...checked(headers['x-forwarded-method'], headers['x-forwarded-uri']), origin: forwardedHost(headers) };
    case 'caddy':
    case 'haproxy':
      return { ...checked(headers['x-forwarded-method'], headers['x-forwarded-uri']), origin: ownHost };
    case 'envoy':
      return { method, url: url.slice(path.length), origin: ownHost };
  }
}

/** `Host` is the original one. Some pass on whatever a client says in `X-Forwarded-Host`. */
const ownHost: IncomingHttpHeaders = { 'x-forwarded-host': undefined };

/** `Host` may be our own. */
function forwardedHost({ host, 'x-forwarded-host': forwarded }: IncomingHttpHeaders): IncomingHttpHeaders {
  const original = lastMember(forwarded) ?? host;
  return original === undefined ? {} : { host: original };
}

/**
 * A configuration of `auth_request` sets `X-Original-URI`, with `X-Forwarded-Host` and `-Proto`. That of ingress-nginx sets
 * `X-Original-URL` and no host or `X-Original-URI`, so that those could be the client's. Where both are there, one of them may be
 * the client's, and they must be about the same request.
 */
function toldByNginx(headers: IncomingHttpHeaders): Told {
  const { 'x-original-uri': uri, 'x-original-url': absolute, 'x-original-method': method } = headers;
  if (absolute === undefined) return { ...checked(method, uri), origin: forwardedHost(headers) };
  const { scheme, host, target } = parts(absolute);
  if (uri === undefined && host !== undefined) {
    const origin = { host, 'x-forwarded-host': undefined, 'x-forwarded-proto': scheme };
    return { ...checked(method, target), origin };
  }
  const origin = forwardedHost(headers);
  const isSame = uri === target && (host === undefined || host === (origin.host ?? headers.host));
  if (!isSame) {
    throw new RequestError('invalid_request', 'X-Original-URL says another request than X-Original-URI and the host');
  }
  return { ...checked(method, uri), origin };
}

/** NGINX writes `$scheme://$http_host$request_uri`; its `Host` has no slash. */
function parts(url: string | string[]): { scheme?: string; host?: string; target: string } {
  const [, scheme = '', host = '', target = ''] = /^(https?):\/\/([\w.:[\]-]+)(\/.*)$/.exec(String(url)) ?? [];
  return target === '' ? { target: String(url) } : { scheme, host, target };
}

/**
 * What some APIs take for the method or the target in place of the real ones, with the kind of gateway that sets it itself for
 * the question. The gateway drops it; a gateway that asks would pass it on.
 */
const secondOpinions = new Map<string, DecisionEndpointConfig['for'] | undefined>([
  ['x-envoy-original-path', 'envoy'],
  ['x-http-method', undefined],
  ['x-http-method-override', undefined],
  ['x-method-override', undefined],
  ['x-original-url', 'nginx'],
  ['x-originating-url', undefined],
  ['x-rewrite-url', undefined],
]);

function refuseSecondOpinions(headers: IncomingHttpHeaders, { for: kind }: DecisionEndpointConfig): void {
  for (const name in headers) {
    if (secondOpinions.has(foldName(name)) && secondOpinions.get(name) !== kind) {
      throw new RequestError('invalid_request', 'the request says twice what is to be decided');
    }
  }
}

/** Node.js joins several headers of one name with a comma and a space, which neither of the two may have. */
function checked(method: unknown, url: unknown): { method: string; url: string } {
  if (typeof method !== 'string' || !/^[A-Z]+$/.test(method) || typeof url !== 'string') {
    throw new RequestError('invalid_request', 'the request does not say which request is to be decided');
  }
  return { method, url };
}

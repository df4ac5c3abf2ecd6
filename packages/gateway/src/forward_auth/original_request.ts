import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { lastMember } from '@tallystick/common';
import type { DecisionEndpointConfig } from '../config/gateway.ts';
import { foldName } from '../forward/request_headers.ts';
import { RequestError } from '../http/errors.ts';

/**
 * Reconstructs the original request from a request for a decision: the method, target and host of the original, with the headers and
 * the connection of the calling gateway.
 *
 * @throws {RequestError} `invalid_request` when the gateway does not describe the original request, or a header of the client contradicts it
 */
export function originalRequest(request: IncomingMessage, endpoint: DecisionEndpointConfig): IncomingMessage {
  refuseOverrides(request.headers, endpoint);
  const { method, url, origin } = describeOriginal(request, endpoint);
  return Object.create(request, {
    method: { value: method },
    url: { value: url },
    headers: { value: { ...request.headers, ...origin } },
  });
}

/** The description of the original request in a request for a decision. */
interface OriginalDescription {
  readonly method: string | undefined;
  readonly url: string;
  /** Headers with its origin. They replace headers that a client may have sent. */
  readonly origin: IncomingHttpHeaders;
}

function describeOriginal(request: IncomingMessage, { for: kind, path }: DecisionEndpointConfig): OriginalDescription {
  const { headers, method, url = '' } = request;
  switch (kind) {
    case 'nginx':
      return describedByNginx(headers);
    case 'traefik':
      return {
        ...checkedTarget(headers['x-forwarded-method'], headers['x-forwarded-uri']),
        origin: forwardedHost(headers),
      };
    case 'caddy':
    case 'haproxy':
      return { ...checkedTarget(headers['x-forwarded-method'], headers['x-forwarded-uri']), origin: ownHost };
    case 'envoy':
      return { method, url: url.slice(path.length), origin: ownHost };
  }
}

/** `Host` is the original one. Some of these gateways pass on the `X-Forwarded-Host` of a client. */
const ownHost: IncomingHttpHeaders = { 'x-forwarded-host': undefined };

/** `Host` may be the one of this gateway. */
function forwardedHost({ host, 'x-forwarded-host': forwarded }: IncomingHttpHeaders): IncomingHttpHeaders {
  const original = lastMember(forwarded) ?? host;
  return original === undefined ? {} : { host: original };
}

/**
 * NGINX with `auth_request` sets `X-Original-URI`, with `X-Forwarded-Host` and `-Proto`. ingress-nginx sets `X-Original-URL` only, so
 * `X-Original-URI` and the host could come from the client there. If both headers are present, they must describe the same request,
 * because one of them may come from the client.
 */
function describedByNginx(headers: IncomingHttpHeaders): OriginalDescription {
  const { 'x-original-uri': uri, 'x-original-url': absolute, 'x-original-method': method } = headers;
  if (absolute === undefined) return { ...checkedTarget(method, uri), origin: forwardedHost(headers) };
  const { scheme, host, target } = splitUrl(absolute);
  if (uri === undefined && host !== undefined) {
    const origin = { host, 'x-forwarded-host': undefined, 'x-forwarded-proto': scheme };
    return { ...checkedTarget(method, target), origin };
  }
  const origin = forwardedHost(headers);
  const isSame = uri === target && (host === undefined || host === (origin.host ?? headers.host));
  if (!isSame) {
    throw new RequestError('invalid_request', 'X-Original-URL differs from X-Original-URI and the host');
  }
  return { ...checkedTarget(method, uri), origin };
}

/** NGINX writes `$scheme://$http_host$request_uri`; its `Host` has no slash. */
function splitUrl(url: string | string[]): { scheme?: string; host?: string; target: string } {
  const [, scheme = '', host = '', target = ''] = /^(https?):\/\/([\w.:[\]-]+)(\/.*)$/.exec(String(url)) ?? [];
  return target === '' ? { target: String(url) } : { scheme, host, target };
}

/**
 * Headers that some APIs use in place of the method or the target, with the kind of gateway that sets the header itself. A calling gateway
 * would pass them on to the API.
 */
const overrideHeaders = new Map<string, DecisionEndpointConfig['for'] | undefined>([
  ['x-envoy-original-path', 'envoy'],
  ['x-http-method', undefined],
  ['x-http-method-override', undefined],
  ['x-method-override', undefined],
  ['x-original-url', 'nginx'],
  ['x-originating-url', undefined],
  ['x-rewrite-url', undefined],
]);

function refuseOverrides(headers: IncomingHttpHeaders, { for: kind }: DecisionEndpointConfig): void {
  for (const name in headers) {
    if (overrideHeaders.has(foldName(name)) && overrideHeaders.get(name) !== kind) {
      throw new RequestError('invalid_request', `the header ${name} overrides the method or the target of the request`);
    }
  }
}

/** Node.js joins repeated headers with a comma and a space, which neither value may contain. */
function checkedTarget(method: unknown, url: unknown): { method: string; url: string } {
  if (typeof method !== 'string' || !/^[A-Z]+$/.test(method) || typeof url !== 'string') {
    throw new RequestError('invalid_request', 'the method or the target of the original request is missing');
  }
  return { method, url };
}

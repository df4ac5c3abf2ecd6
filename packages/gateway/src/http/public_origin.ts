import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type IsOwnName, lastMember, readHost } from '@tallystick/common';
import type { IsTrustedProxy } from './trusted_proxies.ts';

/** The scheme and authority under which a client reached the gateway; undefined when the request does not say. */
export type PublicOrigin = (request: IncomingMessage) => string | undefined;

export interface PublicOriginOptions {
  /** The configured scheme and authority. If it is set, it applies to every request. */
  readonly publicUrl?: string | undefined;
  readonly isTrustedProxy: IsTrustedProxy;
}

/**
 * Determines the origin of a request: the configured one; or else the one from the headers of a trusted proxy (`X-Forwarded-Proto`,
 * `X-Forwarded-Host`); or else the one from the connection and `Host`.
 */
export function createPublicOrigin({ publicUrl, isTrustedProxy }: PublicOriginOptions): PublicOrigin {
  if (publicUrl !== undefined) {
    const { origin } = new URL(publicUrl);
    return () => origin;
  }
  return (request) => {
    const { headers, socket } = request;
    const trusted = isTrustedProxy(request);
    const host = (trusted && lastMember(headers['x-forwarded-host'])) || headers.host || '';
    const own = (socket as TLSSocket).encrypted ? 'https' : 'http';
    const scheme = ((trusted && lastMember(headers['x-forwarded-proto'])) || own).toLowerCase();
    // Another value must not become part of a URL that is sent back or compared.
    if (readHost(host) === undefined || !/^https?$/.test(scheme)) return undefined;
    return `${scheme}://${host}`;
  };
}

/**
 * The origin of a request, if it is known to belong to the gateway. An attacker that replays a request which it received elsewhere can
 * send any `Host`; a DPoP proof that was made for another host must not be accepted here (RFC 9449 section 4.3).
 *
 * @param route the route of the request; a route with a host has matched the `Host` of the request
 * @returns undefined for an origin that is not known to belong to the gateway
 */
export type OwnOrigin = (request: IncomingMessage, route: { readonly host: string | undefined }) => string | undefined;

export interface OwnOriginOptions extends PublicOriginOptions {
  readonly publicOrigin: PublicOrigin;
  readonly isOwnName: IsOwnName;
}

/** Accepts the configured origin, the one from a trusted proxy, and the one with a host of the route or of the gateway. */
export function createOwnOrigin({ publicUrl, publicOrigin, isTrustedProxy, isOwnName }: OwnOriginOptions): OwnOrigin {
  if (publicUrl !== undefined) return publicOrigin;
  return (request, route) => {
    const host = readHost(request.headers.host ?? '');
    const isOwn = route.host !== undefined || (host !== undefined && isOwnName(host.name)) || isTrustedProxy(request);
    return isOwn ? publicOrigin(request) : undefined;
  };
}

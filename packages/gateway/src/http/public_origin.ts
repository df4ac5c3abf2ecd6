import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type IsOwnName, lastMember, readHost } from '@tallystick/common';
import type { IsTrustedProxy } from './trusted_proxies.ts';

/** The scheme and authority that a client used to reach the gateway; undefined when the request does not say. */
export type PublicOrigin = (request: IncomingMessage) => string | undefined;

export interface PublicOriginOptions {
  /** Scheme and authority under which clients reach the gateway. Then no request has a say. */
  readonly publicUrl?: string | undefined;
  readonly isTrustedProxy: IsTrustedProxy;
}

/**
 * Finds out under which origin a request was sent: the configured one, else what a trusted proxy says (`X-Forwarded-Proto`,
 * `X-Forwarded-Host`), else what the connection and `Host` say.
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
    // Anything else is no authority for a URL that is sent back or compared.
    if (readHost(host) === undefined || !/^https?$/.test(scheme)) return undefined;
    return `${scheme}://${host}`;
  };
}

/**
 * The origin of a request where it is known to be the gateway's own. A client that repeats what it was sent somewhere else
 * can name any host in `Host`; a DPoP proof that was made for that host must not be good here (RFC 9449 section 4.3).
 *
 * @param route the route of the request: where it has a host, that is the host which was asked for
 * @returns undefined for an origin that anybody can have
 */
export type OwnOrigin = (request: IncomingMessage, route: { readonly host: string | undefined }) => string | undefined;

export interface OwnOriginOptions extends PublicOriginOptions {
  readonly publicOrigin: PublicOrigin;
  readonly isOwnName: IsOwnName;
}

/** The origin that is configured or that a trusted proxy tells; else that of a host of the route or of the gateway. */
export function createOwnOrigin({ publicUrl, publicOrigin, isTrustedProxy, isOwnName }: OwnOriginOptions): OwnOrigin {
  if (publicUrl !== undefined) return publicOrigin;
  return (request, route) => {
    const host = readHost(request.headers.host ?? '');
    const isOwn = route.host !== undefined || (host !== undefined && isOwnName(host.name)) || isTrustedProxy(request);
    return isOwn ? publicOrigin(request) : undefined;
  };
}

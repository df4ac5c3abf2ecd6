import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { listMembers } from '@tallystick/common';
import type { IsTrustedProxy } from './trusted_proxies.ts';

/** What may be an authority in a URL that is sent back or compared; anything else a client sends as `Host` is not. */
const authority = /^(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

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
    const host = (trusted && lastOf(headers['x-forwarded-host'])) || headers.host || '';
    const own = (socket as TLSSocket).encrypted ? 'https' : 'http';
    const scheme = ((trusted && lastOf(headers['x-forwarded-proto'])) || own).toLowerCase();
    if (!authority.test(host) || !/^https?$/.test(scheme)) return undefined;
    return `${scheme}://${host}`;
  };
}

/** The value that the trusted proxy itself added: what stands before it may be the client's. */
export function lastOf(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : listMembers(header.toString()).at(-1);
}

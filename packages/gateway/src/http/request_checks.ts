import type { IncomingMessage } from 'node:http';
import { type AllowsHost, createAllowedHosts } from '@tallystick/common';
import type { GatewayConfig } from '../config/config.ts';
import { RequestError } from './errors.ts';
import type { IsTrustedProxy } from './trusted_proxies.ts';

/**
 * For which hosts a gateway answers: its own, `publicUrl`'s, those of routes, and others as far as they are served.
 *
 * @returns undefined for any
 */
export function createHostPolicy(
  { hosts = [], otherHosts = 'anybody', publicUrl, routes }: GatewayConfig,
  isTrustedProxy: IsTrustedProxy,
): AllowsHost | undefined {
  if (otherHosts === 'anybody') return undefined;
  const ofRoutes = routes.flatMap(({ host }) => host ?? []);
  const isOwn = createAllowedHosts([...hosts, ...ofRoutes, ...(publicUrl ? [new URL(publicUrl).hostname] : [])]);
  if (otherHosts === 'nobody') return isOwn;
  return (name, request) => isOwn(name, request) || isTrustedProxy(request);
}

/**
 * What a request to upgrade the connection must be: the opening handshake of a WebSocket (RFC 6455 section 4.1). Any other protocol
 * (`h2c`) would be a tunnel whose requests nobody looks at.
 *
 * @throws {RequestError} `invalid_request`
 */
export function checkHandshake({ method, headers, httpVersion }: IncomingMessage): void {
  if (headers.upgrade?.toLowerCase() !== 'websocket' || method !== 'GET' || httpVersion !== '1.1') {
    throw new RequestError('invalid_request', 'only GET requests of HTTP/1.1 can be upgraded, and only to WebSocket');
  }
}

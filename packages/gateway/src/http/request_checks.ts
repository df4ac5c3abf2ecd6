import type { IncomingMessage } from 'node:http';
import { type AllowsHost, createAllowedHosts } from '@tallystick/common';
import type { GatewayConfig } from '../config/config.ts';
import { RequestError } from './errors.ts';
import type { IsTrustedProxy } from './trusted_proxies.ts';

/**
 * The hosts for which a gateway answers: its own, the host of `publicUrl`, the hosts of routes, and others as configured.
 *
 * @returns undefined for any host
 */
export function createHostPolicy(
  { hosts, otherHosts, publicUrl, routes }: GatewayConfig,
  isTrustedProxy: IsTrustedProxy,
): AllowsHost | undefined {
  if (otherHosts === 'anybody') return undefined;
  const routeHosts = routes.flatMap(({ host }) => host ?? []);
  const isOwn = createAllowedHosts([...hosts, ...routeHosts, ...(publicUrl ? [new URL(publicUrl).hostname] : [])]);
  if (otherHosts === 'nobody') return isOwn;
  return (name, request) => isOwn(name, request) || isTrustedProxy(request);
}

/**
 * Checks that an upgrade request is the opening handshake of a WebSocket (RFC 6455 section 4.1). Any other protocol, such as `h2c`, would be
 * a tunnel for requests that the gateway does not authorize.
 *
 * @throws {RequestError} `invalid_request`
 */
export function checkHandshake({ method, headers, httpVersion }: IncomingMessage): void {
  if (headers.upgrade?.toLowerCase() !== 'websocket' || method !== 'GET' || httpVersion !== '1.1') {
    throw new RequestError('invalid_request', 'only GET requests of HTTP/1.1 can be upgraded, and only to WebSocket');
  }
}

import { type AllowsHost, createAllowedHosts } from '@tallystick/common';
import type { GatewayConfig } from '../config/config.ts';
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

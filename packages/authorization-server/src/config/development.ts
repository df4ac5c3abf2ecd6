import { isLoopbackName } from '@tallystick/common';
import type { AuthorizationServerConfig } from './config.ts';

/**
 * Whether the issuer is for development: on http, or on this machine. Such an issuer may call clients at private addresses, and
 * its error pages list what is configured.
 */
export function isDevelopmentIssuer({ issuer }: Pick<AuthorizationServerConfig, 'issuer'>): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' || isLoopbackName(hostname);
}

import { readPattern } from '@tallystick/common';
import type { Config } from '../config/schema.ts';

/** Names that the configuration gives to all servers alike, beside those of this machine. */
export function namesOfAllServers(config: Pick<Config, 'tls' | 'allowedHosts'>): string[] {
  return [...(config.tls?.hosts ?? []), ...(config.allowedHosts ?? [])];
}

/** Under which clients reach the gateway, beside the names of this machine, `gateway.publicUrl` and the hosts of routes. */
export function gatewayNames(config: Pick<Config, 'host' | 'tls' | 'allowedHosts'>): string[] {
  return [...listeningAt(config.host), ...namesOfAllServers(config)];
}

/** All names that a client can know the gateway by. */
export function allGatewayNames(config: Pick<Config, 'host' | 'tls' | 'allowedHosts' | 'gateway'>): string[] {
  const { publicUrl, routes } = config.gateway;
  return [...gatewayNames(config), ...hostOf(publicUrl), ...routes.flatMap(({ host }) => host ?? [])];
}

/** @param url undefined for none @returns its host without the port */
export function hostOf(url: string | undefined): string[] {
  return url === undefined ? [] : [new URL(url).hostname];
}

/** An address that stands for every address is the name of none. */
export function listeningAt(host: string): string[] {
  return host === '0.0.0.0' || host === '::' || readPattern(host) === undefined ? [] : [host];
}

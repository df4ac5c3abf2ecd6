import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { type AllowsHost, createAllowedHosts, isLoopbackName } from '@tallystick/common';
import type { GatewayConfig } from '@tallystick/gateway';
import type { Config } from '../config/schema.ts';
import { hostOf, listeningAt, namesOfAllServers } from './own_names.ts';

/**
 * For which hosts a server answers: its own, and those of `allowedHosts`. Where these are not configured, only a server on a
 * loopback address is so strict: how others are called, they cannot know.
 *
 * @param address that it listens on
 * @param urls of its own
 * @returns undefined for any
 */
async function allowedAt(config: Config, address: string, urls: readonly (string | undefined)[]) {
  if (config.allowedHosts === undefined && !(await isLoopback(address))) return undefined;
  return createAllowedHosts([...listeningAt(address), ...namesOfAllServers(config), ...urls.flatMap(hostOf)]);
}

/** @returns undefined for any */
export async function allowedHosts(
  config: Config,
  role: 'authorizationServer' | 'sampleApi' | 'controlApi',
): Promise<AllowsHost | undefined> {
  switch (role) {
    case 'authorizationServer':
      return allowedAt(config, config.host, [config.issuer, config.authorizationServer.backChannelUrl]);
    case 'sampleApi':
      return allowedAt(config, config.host, [config.sampleApi.url]);
    case 'controlApi':
      // Whoever reaches it can do anything, wherever it listens.
      return createAllowedHosts([...listeningAt(config.controlApi.host), ...config.controlApi.allowedHosts]);
  }
}

/** @param address that /healthz, /readyz and /metrics have for themselves */
export function allowedForOperations(config: Config, address: string): Promise<AllowsHost | undefined> {
  return allowedAt(config, address, []);
}

/** The gateway knows its names itself. */
export async function otherHostsAtGateway(config: Config): Promise<NonNullable<GatewayConfig['otherHosts']>> {
  if (config.allowedHosts !== undefined) return 'nobody';
  return (await isLoopback(config.host)) ? 'trustedProxies' : 'anybody';
}

/** As Node.js looks an address up to listen on. */
async function isLoopback(host: string): Promise<boolean> {
  const { address } = await lookup(host).catch(() => ({ address: host })); // What cannot be found cannot be listened on.
  return isLoopbackName(isIPv6(address) ? `[${address}]` : address);
}

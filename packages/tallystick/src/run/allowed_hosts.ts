import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { type AllowsHost, createAllowedHosts, createOwnNames, isLoopbackName } from '@tallystick/common';
import type { GatewayConfig } from '@tallystick/gateway';
import type { Config } from '../config/schema.ts';
import { commonHosts, hostOf, listeningHost } from './addresses.ts';

/**
 * The hosts that a server accepts in requests: its own names and `allowedHosts`. Without `allowedHosts`, a server that does not
 * listen on a loopback address accepts all hosts, because it cannot know its names.
 *
 * @param address the address that the server listens on
 * @param urls URLs of the server
 * @returns undefined if it accepts all hosts
 */
async function hostsAllowedAt(config: Config, address: string, urls: readonly (string | undefined)[]) {
  if (config.allowedHosts === undefined && !(await isLoopback(address))) return undefined;
  return createAllowedHosts([...listeningHost(address), ...commonHosts(config), ...urls.flatMap(hostOf)]);
}

/** The names of the authorization server, wherever it listens. */
export function serverAllowedHosts(config: Config): AllowsHost {
  const urls = [config.issuer, config.authorizationServer.backChannelUrl];
  return createAllowedHosts([...listeningHost(config.host), ...commonHosts(config), ...urls.flatMap(hostOf)]);
}

/** Whether clients can reach the authorization server under the name in an issuer identifier. */
export async function mayHaveIssuer(config: Config, issuer: string): Promise<boolean> {
  if (config.allowedHosts === undefined && !(await isLoopback(config.host))) return true;
  const urls = [config.issuer, config.authorizationServer.backChannelUrl];
  const isOwnName = createOwnNames([...listeningHost(config.host), ...commonHosts(config), ...urls.flatMap(hostOf)]);
  return isOwnName(new URL(issuer).hostname);
}

/** The hosts that the server of a role accepts. @returns undefined if it accepts all hosts */
export async function allowedHosts(
  config: Config,
  role: 'authorizationServer' | 'sampleApi' | 'controlApi',
): Promise<AllowsHost | undefined> {
  switch (role) {
    case 'authorizationServer':
      // The name that a client uses becomes the issuer of its tokens.
      if (config.issuerFromRequest) return serverAllowedHosts(config);
      return hostsAllowedAt(config, config.host, [config.issuer, config.authorizationServer.backChannelUrl]);
    case 'sampleApi':
      return hostsAllowedAt(config, config.host, [config.sampleApi.url]);
    case 'controlApi':
      // A caller of the control API can do anything, so it is strict at every address.
      return createAllowedHosts([...listeningHost(config.controlApi.host), ...config.controlApi.allowedHosts]);
  }
}

/** The hosts that the server of /healthz, /readyz and /metrics accepts. @param address the address that it listens on */
export function allowedOperationsHosts(config: Config, address: string): Promise<AllowsHost | undefined> {
  return hostsAllowedAt(config, address, []);
}

/** Which clients may use hosts that are not among the names of the gateway. */
export async function otherHostsAtGateway(config: Config): Promise<NonNullable<GatewayConfig['otherHosts']>> {
  if (config.allowedHosts !== undefined) return 'nobody';
  return (await isLoopback(config.host)) ? 'trustedProxies' : 'anybody';
}

/** Resolves a name as Node.js does when it listens. */
async function isLoopback(host: string): Promise<boolean> {
  if (host === 'localhost') return true; // Servers listen on 127.0.0.1 and ::1, whatever the name resolves to.
  const { address } = await lookup(host).catch(() => ({ address: host })); // Listening fails later.
  return isLoopbackName(isIPv6(address) ? `[${address}]` : address);
}

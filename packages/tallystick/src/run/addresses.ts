import { readPattern } from '@tallystick/common';
import type { Config } from '../config/schema.ts';
import { listensWithTls } from '../config/tls.ts';

/** The URL of a server for calls from this machine. @param host the address that it listens on */
export function serverUrl(config: Pick<Config, 'tls'>, host: string, port: number): string {
  const scheme = listensWithTls(config) ? 'https' : 'http';
  return `${scheme}://${host === '0.0.0.0' || host === '::' ? 'localhost' : host}:${port}`;
}

/** The URL of the sample API for the gateway. */
export function sampleApiUrl(config: Pick<Config, 'tls' | 'sampleApi'>): string {
  return config.sampleApi.url ?? serverUrl(config, 'localhost', config.sampleApi.port);
}

/** URLs of the authorization server for the gateway and the sample API. */
export function authorizationServerEndpoints(config: Config) {
  const base = config.authorizationServer.backChannelUrl ?? config.issuer;
  return { introspectionEndpoint: `${base}/token/introspection`, jwksUri: `${base}/jwks` };
}

/** Host names of all servers in the configuration, in addition to those of this machine. */
export function commonHosts(config: Pick<Config, 'tls' | 'allowedHosts'>): string[] {
  return [...(config.tls?.hosts ?? []), ...(config.allowedHosts ?? [])];
}

/** Host names of the gateway, except for those of this machine, `gateway.publicUrl` and the routes. */
export function gatewayHosts(config: Pick<Config, 'host' | 'tls' | 'allowedHosts'>): string[] {
  return [...listeningHost(config.host), ...commonHosts(config)];
}

/** All host names under which clients can reach the gateway. */
export function allGatewayHosts(config: Pick<Config, 'host' | 'tls' | 'allowedHosts' | 'gateway'>): string[] {
  const { publicUrl, routes } = config.gateway;
  return [...gatewayHosts(config), ...hostOf(publicUrl), ...routes.flatMap(({ host }) => host ?? [])];
}

/** @returns the host of the URL, without the port; empty without a URL */
export function hostOf(url: string | undefined): string[] {
  return url === undefined ? [] : [new URL(url).hostname];
}

/** @returns the address that a server listens on; empty for 0.0.0.0 and `::`, which name no host */
export function listeningHost(host: string): string[] {
  return host === '0.0.0.0' || host === '::' || readPattern(host) === undefined ? [] : [host];
}

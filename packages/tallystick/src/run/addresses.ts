import type { Config } from '../config/schema.ts';
import { listensWithTls } from '../config/tls.ts';

/** Where a server of this configuration is reached from this machine. @param host the address it listens on */
export function addressOf(config: Pick<Config, 'tls'>, host: string, port: number): string {
  const scheme = listensWithTls(config) ? 'https' : 'http';
  return `${scheme}://${host === '0.0.0.0' || host === '::' ? 'localhost' : host}:${port}`;
}

/** How the gateway reaches the sample API. */
export function sampleApiUrl(config: Pick<Config, 'tls' | 'sampleApi'>): string {
  return config.sampleApi.url ?? addressOf(config, 'localhost', config.sampleApi.port);
}

/** Where gateway and API reach the authorization server. */
export function authorizationServerEndpoints(config: Config) {
  const base = config.authorizationServer.backChannelUrl ?? config.issuer;
  return { introspectionEndpoint: `${base}/token/introspection`, jwksUri: `${base}/jwks` };
}

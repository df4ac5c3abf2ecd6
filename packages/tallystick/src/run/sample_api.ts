import { accessTokensOf, audienceOf, prefixAtApi } from '@tallystick/gateway/config';
import { leadsToSampleApi } from '../config/cross_references/sample_api_routes.ts';
import type { Config } from '../config/schema.ts';
import { createSampleApi, type SampleApiConfig, type SampleApiRoute } from '../sample_api/create_sample_api.ts';
import { allGatewayHosts, authorizationServerEndpoints } from './addresses.ts';
import type { OpenApp } from './app.ts';
import type { RoleDependencies } from './dependencies.ts';
import { alwaysReady } from './readiness.ts';
import { sampleApiPage, serveServerPages, showsServerPage } from './server_pages.ts';

/** Values that the sample API reads only when it starts. */
export const SAMPLE_API_FIXED = ['host', 'tls', 'features', 'sampleApi'] as const;

/** Serves the sample API. A second call replaces its configuration. */
export function runSampleApi(
  config: Config,
  app: OpenApp,
  { now, tls, log, fetch = tls?.trust.fetch }: Pick<RoleDependencies, 'now' | 'tls' | 'log' | 'fetch'>,
): void {
  const dependencies = { log, ...(now && { now }), ...(fetch && { fetch }) };
  const handler = createSampleApi(sampleApiConfig(config), dependencies);
  const page = sampleApiPage(config.issuer, sampleApiRoutes(config));
  const isTaken = sampleApiRoutes(config).some(({ prefix }) => prefix === '/');
  const pageAt = (url: string) => (url === '/' && !isTaken && showsServerPage(config, config.host) ? page : undefined);
  app.answerWith(serveServerPages(pageAt, handler), alwaysReady);
}

/** Checks the sample API's configuration without listening or calling other servers. @throws {ConfigError} */
export function checkSampleApi(config: Config): void {
  createSampleApi(sampleApiConfig(config));
}

function sampleApiConfig(config: Config): SampleApiConfig {
  return {
    issuer: config.issuer,
    authorizationServer: authorizationServerEndpoints(config),
    client: config.sampleApi.client,
    apis: sampleApiRoutes(config),
    gatewayNames: allGatewayHosts(config),
    takesClientCertificates: config.features.mutualTls,
  };
}

/** The routes that lead to the sample API, the longest path first. The sample API ignores the hosts of routes. */
function sampleApiRoutes(config: Config): SampleApiRoute[] {
  const { apis, gateway } = config;
  return gateway.routes
    .filter((route) => leadsToSampleApi(route, config))
    .map((route) => {
      const { api, scopes = { '*': [] } } = route;
      const style = accessTokensOf(route, apis);
      if (api === undefined || style === undefined) throw new TypeError('the configuration was checked for this');
      return {
        prefix: prefixAtApi(route),
        publicPrefix: route.prefix,
        audience: audienceOf({ ...route, api }, apis),
        style,
        scopes,
        getsProof: style === 'opaque' || route.dpop?.forward === true,
      };
    })
    .sort((a, b) => b.prefix.length - a.prefix.length);
}

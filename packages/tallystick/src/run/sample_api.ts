import type { Config } from '../config/schema.ts';
import { createSampleApi, type SampleApiConfig } from '../sample_api/create_sample_api.ts';
import { authorizationServerEndpoints } from './addresses.ts';
import type { OpenApp, RoleDependencies } from './app.ts';
import { allGatewayNames } from './own_names.ts';
import { sampleApiRoutes } from './route_configs.ts';

export function runSampleApi(
  config: Config,
  app: OpenApp,
  { now, tls }: Pick<RoleDependencies, 'now' | 'tls'> = {},
): void {
  const dependencies = { ...(now && { now }), ...(tls && { fetch: tls.trust.fetch }) };
  app.answerWith(createSampleApi(sampleApiConfig(config), dependencies), async () => ({
    unready: [],
    reasons: {},
    warnings: [],
  }));
}

/** Finds what is wrong with the sample API's configuration without listening or calling anybody. @throws {ConfigError} */
export function checkSampleApi(config: Config): void {
  createSampleApi(sampleApiConfig(config));
}

function sampleApiConfig(config: Config): SampleApiConfig {
  return {
    issuer: config.issuer,
    authorizationServer: authorizationServerEndpoints(config),
    client: config.sampleApi.client,
    apis: sampleApiRoutes(config),
    gatewayNames: allGatewayNames(config),
    takesClientCertificates: config.features.mutualTls,
  };
}

import { randomBytes } from 'node:crypto';
import {
  type AuthorizationServer,
  type AuthorizationServerConfig,
  createAuthorizationServer,
  WrongClientError,
} from '@tallystick/authorization-server';
import { createGateway, createGatewayServer, type GatewayConfig } from '@tallystick/gateway';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import type { Logger } from 'pino';
import { type AppServer, createAppServer } from './app_server.ts';
import { ConfigError } from './config/config_error.ts';
import type { Config } from './config/schema.ts';
import { type Listening, listen } from './listen.ts';
import { createSampleApi, type SampleApiConfig } from './sample_api/create_sample_api.ts';

/** What a role needs from outside. */
export interface RoleDependencies {
  readonly store: TokenStore;
  readonly log: Logger;
}

/** An authorization server or sample API that listens, and answers once it is run. */
export type OpenApp = Listening & Pick<AppServer, 'answerWith'>;

export async function openApp(config: Config, role: 'authorizationServer' | 'sampleApi'): Promise<OpenApp> {
  const { server, answerWith } = createAppServer();
  return { ...(await listen(server, { host: config.host, port: config[role].port })), answerWith };
}

export async function runAuthorizationServer(
  config: Config,
  app: OpenApp,
  dependencies: RoleDependencies,
): Promise<AuthorizationServer> {
  const server = await createAuthorizationServer(authorizationServerConfig(config), dependencies).catch(explain);
  app.answerWith(server.handler);
  return server;
}

/** Finds what is wrong with the clients without listening or touching the store. @throws {ConfigError} */
export async function checkAuthorizationServer(config: Config, log: Logger): Promise<void> {
  const store = await openTokenStore({ url: 'memory:' });
  await createAuthorizationServer(authorizationServerConfig(config), { store, log }).catch(explain);
  await store.close();
}

/** Only oidc-provider can tell whether a client's metadata fits together; what it says is a wrong configuration too. */
function explain(error: unknown): never {
  if (!(error instanceof WrongClientError)) throw error;
  throw new ConfigError('the configuration', [`clients[${error.index}].metadata: ${error.message}`]);
}

export function runSampleApi(config: Config, app: OpenApp): void {
  app.answerWith(createSampleApi(sampleApiConfig(config)));
}

export async function runGateway(config: Config, { store, log }: RoleDependencies): Promise<Listening> {
  const gateway = createGateway(gatewayConfig(config), { store, log });
  const server = createGatewayServer(gateway);
  const listening = await listen(server, { host: config.host, port: config.gateway.port });
  return {
    port: listening.port,
    async stop() {
      await Promise.all([listening.stop(), gateway.close()]);
    },
  };
}

function authorizationServerConfig(config: Config): AuthorizationServerConfig {
  return {
    issuer: config.issuer,
    secret: config.secret ?? randomBytes(32).toString('base64url'),
    apis: config.apis.map(({ accessTokens, encryption, ...api }) => ({
      ...api,
      style: accessTokens,
      ...(encryption === undefined ? undefined : { encryption }),
    })),
    clients: config.clients.map(({ secret, name, metadata, ...client }) => ({
      ...client,
      ...(secret === undefined ? undefined : { secret }),
      ...(name === undefined ? undefined : { name }),
      ...(metadata === undefined ? undefined : { metadata }),
    })),
    users: config.users,
    signingAlgorithm: config.authorizationServer.signingAlgorithm,
    introspectionMaxAge: config.authorizationServer.introspectionMaxAge,
    acrValues: config.authorizationServer.acrValues,
    clientCertificateHeader: config.authorizationServer.clientCertificateHeader,
    pollingInterval: config.authorizationServer.pollingInterval,
    features: config.features,
  };
}

function gatewayConfig(config: Config): GatewayConfig {
  const { client, cache, timeouts, routes, publicUrl } = config.gateway;
  return {
    issuer: config.issuer,
    authorizationServer: endpoints(config),
    client,
    cache,
    timeouts,
    ...(publicUrl === undefined ? undefined : { publicUrl }),
    routes: routes.map(({ prefix, api, upstream = config.sampleApi.url, scopes, onMiss }) => ({
      prefix,
      upstream,
      resource: api,
      style: styleOf(config, api),
      scopes,
      onMiss,
    })),
  };
}

function sampleApiConfig(config: Config): SampleApiConfig {
  return {
    issuer: config.issuer,
    authorizationServer: endpoints(config),
    client: config.sampleApi.client,
    apis: config.gateway.routes
      .filter((route) => route.upstream === undefined)
      .map(({ prefix, api, scopes }) => ({ prefix, resource: api, style: styleOf(config, api), scopes })),
  };
}

function endpoints(config: Config) {
  const base = config.authorizationServer.backChannelUrl ?? config.issuer;
  return { introspectionEndpoint: `${base}/token/introspection`, jwksUri: `${base}/jwks` };
}

function styleOf(config: Config, resource: string) {
  const api = config.apis.find((candidate) => candidate.resource === resource);
  if (!api) throw new TypeError(`no API has the resource ${resource}`); // The configuration was checked for this.
  return api.accessTokens;
}

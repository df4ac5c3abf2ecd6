import { isLoopbackName } from '@tallystick/common';
import { pathText } from './config_error.ts';
import type { Role } from './config_schema.ts';
import type { Config } from './schema.ts';
import { listensWithTls } from './tls.ts';

/** A value that can be used, but probably not as it was meant. */
export interface Warning {
  /** `gateway.routes[0].scopes.GET[0]` */
  readonly path: string;
  readonly message: string;
}

type Warn = (path: readonly (string | number)[], message: string) => void;
type RequiredScopes = NonNullable<Config['gateway']['routes'][number]['scopes']>[string];

/** Looks for values that are probably mistakes. @param role the only one of this process; default: all of them */
export function findWarnings(config: Config, role?: Role): Warning[] {
  const warnings: Warning[] = [];
  const warn: Warn = (path, message) => warnings.push({ path: pathText(path), message });
  if (role === undefined || role === 'authorization-server') {
    checkIssuer(config, warn);
    checkExchanges(config, warn);
  }
  if (role !== 'authorization-server') checkRoutes(config, warn);
  if (role === undefined || role === 'gateway') checkTokenHandlers(config, warn);
  return warnings;
}

function checkIssuer(config: Config, warn: Warn): void {
  const { issuer, host, authorizationServer } = config;
  const { protocol, hostname, port } = new URL(issuer);
  if (protocol === 'https:' && !listensWithTls(config)) {
    warn(['issuer'], 'https, but without `tls` the server listens on plain HTTP: a proxy must terminate TLS before it');
    return; // Which port that proxy has, nobody knows here.
  }
  const isThisMachine = isLoopbackName(hostname) || hostname === host;
  const issuerPort = port === '' ? { 'http:': 80, 'https:': 443 }[protocol] : Number(port);
  if (isThisMachine && authorizationServer.port !== 0 && issuerPort !== authorizationServer.port) {
    const ports = `port ${issuerPort}, but authorizationServer.port is ${authorizationServer.port}`;
    warn(['issuer'], `${ports}: clients do not reach the server unless something forwards the one to the other`);
  }
}

function checkExchanges({ apis, clients }: Config, warn: Warn): void {
  for (const [index, { tokenExchange }] of clients.entries()) {
    if (tokenExchange === undefined) continue;
    const targets = apis.filter(({ resource }) => tokenExchange.to.includes(resource));
    for (const [position, scope] of tokenExchange.scopes.entries()) {
      if (!targets.some(({ scopes }) => scopes.includes(scope)))
        warn(['clients', index, 'tokenExchange', 'scopes', position], `no API in \`to\` has the scope "${scope}"`);
    }
  }
}

function checkRoutes({ issuer: ours, apis, gateway: { routes } }: Config, warn: Warn): void {
  for (const [index, { api: resource, issuer = ours, scopes = {} }] of routes.entries()) {
    const api = issuer === ours ? apis.find((known) => known.resource === resource) : undefined;
    if (api === undefined) continue;
    for (const [method, required] of Object.entries(scopes)) {
      for (const [path, scope] of placesOf(required)) {
        if (!api.scopes.includes(scope))
          warn(['gateway', 'routes', index, 'scopes', method, ...path], missing(scope, api.resource));
      }
    }
  }
}

function placesOf(required: RequiredScopes): (readonly [path: readonly (string | number)[], scope: string])[] {
  if (Array.isArray(required)) return required.map((scope, position) => [[position], scope]);
  return (['allOf', 'anyOf'] as const).flatMap((list) =>
    (required[list] ?? []).map((scope, position) => [[list, position], scope] as const),
  );
}

/** Scopes that are about the user, and belong to no API (OpenID Connect Core sections 5.4 and 11). */
const OF_OPENID = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'];

function checkTokenHandlers({ apis, gateway: { tokenHandlers } }: Config, warn: Warn): void {
  for (const [index, { api: resource, scopes }] of tokenHandlers.entries()) {
    const api = apis.find((known) => known.resource === resource);
    for (const [position, scope] of scopes.entries()) {
      if (api !== undefined && !api.scopes.includes(scope) && !OF_OPENID.includes(scope))
        warn(['gateway', 'tokenHandlers', index, 'scopes', position], missing(scope, resource));
    }
  }
}

function missing(scope: string, resource: string): string {
  return `the API ${resource} has no scope "${scope}": no access token has it`;
}

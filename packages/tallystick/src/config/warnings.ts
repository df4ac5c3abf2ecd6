import { isDeepStrictEqual } from 'node:util';
import { HEALTH_PATHS, isLoopbackName } from '@tallystick/common';
import { pathText } from './config_error.ts';
import { routesByDefault } from './defaults.ts';
import { findIneffectivePermissive } from './ineffective_permissive.ts';
import type { Role } from './role.ts';
import { type Config, PERMISSIVE_TENANTS } from './schema.ts';
import { listensWithTls } from './tls.ts';

const NOT_PERMISSIVE = 'has no effect, because `permissive` is false';
const OPERATIONS_PATHS = [...Object.values(HEALTH_PATHS), '/metrics'];

/** A value that is valid but probably a mistake. */
export interface Warning {
  /** `gateway.routes[0].scopes.GET[0]` */
  readonly path: string;
  readonly message: string;
}

type Warn = (path: readonly (string | number)[], message: string) => void;
type RequiredScopes = NonNullable<Config['gateway']['routes'][number]['scopes']>[string];

/** Finds values that are probably mistakes. @param role the only role of the process; default: all of them */
export function findWarnings(config: Config, role?: Role): Warning[] {
  const warnings: Warning[] = [];
  const warn: Warn = (path, message) => warnings.push({ path: pathText(path), message });
  if (role === undefined || role === 'authorization-server') {
    checkIssuer(config, warn);
    checkExchanges(config, warn);
    for (const [index, tenant] of config.tenants.entries())
      checkExchanges(tenant, (path, message) => warn(['tenants', index, ...path], message));
    checkPermissive(config, warn);
  }
  if (role !== 'authorization-server') checkRoutes(config, warn);
  if (role === undefined || role === 'gateway') {
    checkServed(config, warn);
    checkTokenHandlers(config, warn);
    checkOperationsPaths(config, warn);
  }
  return warnings;
}

function checkIssuer(config: Config, warn: Warn): void {
  const { issuer, host, authorizationServer } = config;
  const { protocol, hostname, port } = new URL(issuer);
  if (protocol === 'https:' && !listensWithTls(config)) {
    warn(['issuer'], 'https, but without `tls` the server listens on plain HTTP. A proxy in front must terminate TLS');
    return; // The port of that proxy is not known here.
  }
  const isThisMachine = isLoopbackName(hostname) || hostname === host;
  const issuerPort = port === '' ? { 'http:': 80, 'https:': 443 }[protocol] : Number(port);
  if (isThisMachine && authorizationServer.port !== 0 && issuerPort !== authorizationServer.port) {
    const ports = `port ${issuerPort}, but authorizationServer.port is ${authorizationServer.port}`;
    warn(['issuer'], `${ports}: clients cannot reach the server unless something forwards the port`);
  }
}

/** Warnings instead of errors: an API may get the scope at run time. */
function checkExchanges({ apis, clients }: Pick<Config, 'apis' | 'clients'>, warn: Warn): void {
  for (const [index, { tokenExchange }] of clients.entries()) {
    if (tokenExchange === undefined) continue;
    const targets = apis.filter(({ resource }) => tokenExchange.to.includes(resource));
    for (const [position, scope] of tokenExchange.scopes.entries()) {
      if (!targets.some(({ scopes }) => scopes.includes(scope)))
        warn(['clients', index, 'tokenExchange', 'scopes', position], `no API in \`to\` has the scope "${scope}"`);
    }
  }
}

/** Warnings instead of errors: `--permissive` or a variable may make the issuer permissive at another start. */
function checkPermissive(config: Config, warn: Warn): void {
  if (config.permissive) return;
  const ineffective = findIneffectivePermissive(config);
  if (config.permissiveTenants !== PERMISSIVE_TENANTS) warn(['permissiveTenants'], NOT_PERMISSIVE);
  for (const name of ineffective) warn([name], NOT_PERMISSIVE);
  if (config.permissiveOnNetwork && !config.tenants.some(({ permissive }) => permissive))
    warn(
      ['permissiveOnNetwork'],
      'no configured issuer is permissive, so it is for tenants that tests make at run time only',
    );
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

/** Finds APIs without a route in a configuration without routes. Routes that are configured may leave an API out on purpose. */
function checkServed({ apis, gateway: { routes } }: Config, warn: Warn): void {
  if (!isDeepStrictEqual(routes, routesByDefault(apis))) return;
  for (const [index, { resource }] of apis.entries()) {
    if (routes.some(({ api }) => api === resource)) continue;
    warn(['apis', index], `no route leads to ${resource}, so the gateway does not serve it; add one to gateway.routes`);
  }
}

function placesOf(required: RequiredScopes): (readonly [path: readonly (string | number)[], scope: string])[] {
  if (Array.isArray(required)) return required.map((scope, position) => [[position], scope]);
  return (['allOf', 'anyOf'] as const).flatMap((list) =>
    (required[list] ?? []).map((scope, position) => [[list, position], scope] as const),
  );
}

/** Scopes of OpenID Connect, which belong to no API (Core sections 5.4 and 11). */
const OPENID_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'];

function checkTokenHandlers({ apis, gateway: { tokenHandlers } }: Config, warn: Warn): void {
  for (const [index, { api: resource, scopes }] of tokenHandlers.entries()) {
    const api = apis.find((known) => known.resource === resource);
    for (const [position, scope] of scopes.entries()) {
      if (api !== undefined && !api.scopes.includes(scope) && !OPENID_SCOPES.includes(scope))
        warn(['gateway', 'tokenHandlers', index, 'scopes', position], missing(scope, resource));
    }
  }
}

/** Without `operations`, the gateway's own endpoints are on the port of the routes, and come before them. */
function checkOperationsPaths({ apis, gateway: { routes, operations } }: Config, warn: Warn): void {
  if (operations !== undefined || isDeepStrictEqual(routes, routesByDefault(apis))) return;
  for (const [index, { prefix }] of routes.entries()) {
    const hidden = OPERATIONS_PATHS.filter((path) => prefix === '/' || path === prefix);
    if (hidden.length > 0)
      warn(
        ['gateway', 'routes', index, 'prefix'],
        `the gateway itself answers ${hidden.join(', ')}; set gateway.operations.port to leave the path to this route`,
      );
  }
}

function missing(scope: string, resource: string): string {
  return `the API ${resource} has no scope "${scope}", so no access token can have it`;
}

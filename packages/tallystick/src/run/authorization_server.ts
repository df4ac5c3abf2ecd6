import { randomBytes } from 'node:crypto';
import { createAuthorizationServer, mountPathOf } from '@tallystick/authorization-server';
import type { Log } from '@tallystick/common';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { Config, Tenant } from '../config/schema.ts';
import type { GatewayControls } from '../harness/gateway/gateway_controls.ts';
import { createHarness, type Harness, newIssuerSchema } from '../harness/harness.ts';
import { checkInput, InputError, toConfigError } from '../harness/input_error.ts';
import { createTenants } from '../harness/tenants.ts';
import { mayHaveIssuer } from './allowed_hosts.ts';
import type { OpenApp } from './app.ts';
import type { AuthorizationServerRole } from './authorization_server_role.ts';
import { authorizationServerConfig, permissivenessOf } from './issuers/issuer_config.ts';
import { firstIssuerHooks, tenantHooks } from './issuers/issuer_hooks.ts';
import { issuerParts } from './issuers/issuer_parts.ts';
import { createIssuerStarter } from './issuers/start_issuer.ts';
import { readinessOf } from './readiness.ts';
import { refuseChanges } from './refuse_changes.ts';
import type { TenantGateway } from './tenant_gateway.ts';

/** A running authorization server, with its tenants. */
export interface RunningAuthorizationServer {
  readonly harness: Harness;
  /**
   * Applies the clients, users and APIs of another configuration to new requests.
   *
   * @throws {ConfigError} a value differs that cannot change while the server runs; nothing changed
   * @throws {InputError} the entries are not valid; nothing changed
   */
  replace(config: Config): Promise<void>;
  /** Ends every wait, so that the app can stop. */
  release(): void;
  /** For the gateway of the first issuer: its test controls, and the store with the faults of tests. */
  readonly gateway: { readonly controls: GatewayControls; readonly store: TokenStore };
  /** The gateway of the tenant in a path. */
  gatewayAt(path: string): TenantGateway | undefined;
  /** Closes the gateways of tenants. */
  closeGateways(): Promise<void>;
}

/** Sections that can change while the server runs, or that it does not read. It reads the others only when it starts. */
const CHANGEABLE: readonly string[] = ['apis', 'clients', 'users', 'gateway', 'sampleApi', 'log'];

/**
 * Serves the first issuer and its tenants.
 *
 * @throws {ConfigError} a client, a user or the signing key is not valid
 */
export async function runAuthorizationServer(
  config: Config,
  app: OpenApp,
  dependencies: AuthorizationServerRole,
): Promise<RunningAuthorizationServer> {
  const { store, clock, log, apisChanged, keysPublished, locate = async (value) => value } = dependencies;
  let current = config;
  const startIssuer = createIssuerStarter(config, dependencies);
  const entries = { ...config, routes: config.gateway.routes };
  const firstParts = issuerParts({ clock, log, store, mountPath: mountPathOf(config.issuer), gatewayPath: '' });
  const first = await startIssuer(entries, config.issuer, firstParts, {
    ...firstIssuerHooks(config, apisChanged),
    keysPublished,
    gatewayUrl: dependencies.gatewayUrl,
    tenantsBelow: () => tenants.list(),
  }).catch((error) => {
    throw toConfigError(error);
  });
  const tenants = await createTenants(config.tenants, {
    issuer: () => first.controls.issuer,
    ...{ store, server: config, locate },
    start(tenant, issuer, partition) {
      const mountPath = mountPathOf(issuer);
      const parts = issuerParts({ clock, log, store: partition, mountPath, gatewayPath: `/${tenant.id}` });
      return startIssuer(tenant, issuer, parts, tenantHooks(tenant, { ...dependencies, config, issuer, ...parts }));
    },
    defaultHandler: first.handler,
    onDemand: {
      limit: config.permissive ? config.permissiveTenants : 0,
      tenantOf: (id) => tenantLikeFirst(id, current),
      log,
    },
  });
  app.answerWith(tenants.handler, () => readinessOf(store));
  return {
    harness: createHarness({
      ...{ store, clock, first, tenants },
      async setIssuer(given) {
        await checkNewIssuer(given, config);
        const before = first.controls.issuer;
        await first.rename(given);
        await dependencies.issuerChanged?.(given).catch(async (error) => {
          await first.rename(before);
          throw error;
        });
      },
    }),
    async replace(changed) {
      const fixed = (Object.keys(config) as (keyof Config)[]).filter((name) => !CHANGEABLE.includes(name));
      refuseChanges('the authorization server', config, changed, fixed);
      await first.configure({ ...changed, routes: changed.gateway.routes });
      current = changed;
      await tenants.renewOnDemand();
    },
    release() {
      first.release();
      tenants.release();
      clock.stop();
    },
    gateway: { controls: firstParts.controls.gateway, store: firstParts.faultyStore },
    gatewayAt: tenants.gatewayAt,
    closeGateways: tenants.close,
  };
}

/** @throws {InputError} the server cannot have this issuer */
async function checkNewIssuer(given: string, config: Config): Promise<void> {
  const { issuer } = checkInput(newIssuerSchema, { issuer: given });
  if (config.issuerFromRequest)
    throw new InputError(
      'issuer',
      'expected no other issuer: each address that clients use is one (issuer: from-request)',
    );
  const path = mountPathOf(config.issuer);
  if (mountPathOf(issuer) !== path)
    throw new InputError('issuer', `expected the path of the configured issuer: ${path === '' ? 'none' : path}`);
  if (!(await mayHaveIssuer(config, issuer)))
    throw new InputError('issuer', 'expected a name that the server answers for; allowedHosts lists them');
}

/** Checks clients, users and the signing key without listening or using the store. @throws {ConfigError} */
export async function checkAuthorizationServer(config: Config, log: Log): Promise<void> {
  const store = await openTokenStore(storeConfig());
  const secret = randomBytes(32).toString('base64url');
  const checked = authorizationServerConfig(config, {
    apis: config.apis,
    clients: config.clients,
    users: config.users,
    ...permissivenessOf(config),
    issuer: config.issuer,
    secret,
  });
  try {
    await createAuthorizationServer(checked, { store, log });
  } catch (error) {
    throw toConfigError(error);
  } finally {
    await store.close();
  }
}

/** A tenant with the entries and routes of the first issuer. */
function tenantLikeFirst(id: string, config: Config): Tenant {
  const { apis, clients, users, gateway } = config;
  return { id, apis, clients, users, routes: gateway.routes, ...permissivenessOf(config) };
}

import { createHash, randomBytes } from 'node:crypto';
import {
  type AuthorizationServer,
  type AuthorizationServerConfig,
  type AuthorizationServerDependencies,
  acceptPathsOfMocks,
  createAuthorizationServer,
  mountPathOf,
} from '@tallystick/authorization-server';
import { errorFields, type Log } from '@tallystick/common';
import { validate } from '@tallystick/common/config';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { z } from 'zod';
import { pathText } from '../config/config_error.ts';
import { schemaFor } from '../config/config_schema.ts';
import { mayBePermissive, ONLY_ON_THIS_MACHINE } from '../config/cross_references/check_permissive.ts';
import { introspectingClient } from '../config/defaults.ts';
import { type Config, type Tenant, tenantSchema } from '../config/schema.ts';
import type { ManagedClock } from '../harness/clock/create_clock.ts';
import type { Entries } from '../harness/collections.ts';
import { type Controls, type ControlsOptions, createControls } from '../harness/controls.ts';
import { withStoreFaults } from '../harness/faults/faulty_store.ts';
import type { GatewayControls } from '../harness/gateway/gateway_controls.ts';
import { createHarness, type Harness, newIssuerSchema } from '../harness/harness.ts';
import { checkInput, InputError, toConfigError, toEntryError } from '../harness/input_error.ts';
import { createIssuer, type ManagedIssuer } from '../harness/issuer.ts';
import { createTenants } from '../harness/tenants.ts';
import { mayHaveIssuer } from './allowed_hosts.ts';
import type { OpenApp } from './app.ts';
import type { RoleDependencies } from './dependencies.ts';
import { createIssuerFinder, createNamedIssuers, type NamedIssuers } from './issuer_names.ts';
import { readinessOf } from './readiness.ts';
import { refuseChanges } from './refuse_changes.ts';
import { issuerPage, type ShownIssuer, serveServerPages, showsServerPage } from './server_pages.ts';
import type { TenantGateway, TenantOfGateway } from './tenant_gateway.ts';
import type { Upstreams } from './upstreams/open_upstreams.ts';

export interface AuthorizationServerRole extends Pick<RoleDependencies, 'store' | 'log' | 'tls' | 'fetch'> {
  readonly clock: ManagedClock;
  /** Whether tests may record its requests and inject faults. */
  readonly intercepted: boolean;
  /** Base URL of the gateway of this process, if it has one. */
  readonly gatewayUrl?: (() => string | undefined) | undefined;
  /** Creates the gateway of a tenant. Default: tenants have none. */
  readonly openTenantGateway?: ((tenant: TenantOfGateway) => TenantGateway) | undefined;
  /** Replaces applications as upstreams with their addresses. Default: upstreams are addresses. */
  readonly locate?: Upstreams['locate'] | undefined;
  /** Called after APIs or routes of the first issuer changed, for the other roles of this process. */
  readonly apisChanged?: ((entries: Entries) => Promise<void>) | undefined;
  /** Called after the first issuer got another name, for the other roles of this process. */
  readonly issuerChanged?: ((issuer: string) => Promise<void>) | undefined;
  /** Called with the public keys of the first issuer when they change, before one of the new keys signs. */
  readonly keysPublished?: ((jwks: { readonly keys: readonly unknown[] }) => void) | undefined;
}

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

/** An issuer that can get another name. */
interface RenamableIssuer extends ManagedIssuer {
  rename(issuer: string): Promise<void>;
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

/** What happens when the entries or the keys of an issuer change, and where the gateway serves its APIs. */
interface IssuerHooks extends Pick<AuthorizationServerRole, 'keysPublished' | 'gatewayUrl'> {
  readonly isFirst?: boolean;
  readonly check: (entries: Entries) => z.ZodError | undefined;
  readonly entriesChanged?: ((entries: Entries) => Promise<void>) | undefined;
  readonly gateway?: TenantGateway | undefined;
  /** The tenants at the issuer, for its page. */
  readonly tenantsBelow?: () => ShownIssuer['tenants'];
  /** Clients of the roles of this process, which the issuer knows beside its own. */
  readonly ownClients?: Config['clients'];
}

/** The controls of an issuer, and its partition of the store without and with the faults of tests. */
interface IssuerParts {
  readonly controls: Controls;
  readonly store: TokenStore;
  readonly faultyStore: TokenStore;
}

function issuerParts({ store, ...options }: ControlsOptions & { readonly store: TokenStore }): IssuerParts {
  const controls = createControls(options);
  return { controls, store, faultyStore: withStoreFaults(store, controls.faults) };
}

type Permissiveness = Pick<Config, 'permissive' | 'permissiveAccessTokens' | 'permissiveUser'>;
type IssuerEntries = Entries & Permissiveness;

/** Whether a URL is that of an issuer, with or without a slash. */
function isPageOf(mountPath: string, url: string): boolean {
  return url === `${mountPath}/` || url === mountPath;
}

function createIssuerStarter(config: Config, dependencies: AuthorizationServerRole) {
  const { log, tls, clock, intercepted, locate, fetch: ownFetch = globalThis.fetch } = dependencies;
  const secret = config.secret ?? randomBytes(32).toString('base64url');
  const fetch = tls?.trust.fetch;
  return async (
    given: IssuerEntries,
    issuer: string,
    { controls, store, faultyStore }: IssuerParts,
    hooks: IssuerHooks,
  ): Promise<RenamableIssuer> => {
    const {
      check,
      entriesChanged,
      keysPublished,
      gatewayUrl = () => undefined,
      gateway,
      ownClients = [],
      tenantsBelow = () => [],
    } = hooks;
    if (given.permissive && !mayBePermissive(config)) throw new InputError('permissive', ONLY_ON_THIS_MACHINE);
    const { apis, clients, users, routes, permissive } = given;
    const known = (changed: Omit<Entries, 'routes'>) => ({
      apis: changed.apis,
      clients: [...changed.clients, ...ownClients.filter(({ id }) => !changed.clients.some((own) => own.id === id))],
      users: changed.users,
    });
    const authorizationServer = await createAuthorizationServer(
      authorizationServerConfig(config, { ...known(given), ...permissivenessOf(given), issuer, secret }),
      {
        ...{ store: intercepted ? faultyStore : store, log, now: clock.now, keysPublished, fetch },
        hooks: controls.hooks.forServer,
      },
    );
    const { configuration } = authorizationServer;
    const rename = (name: string) => configuration.replace({ ...configuration.current(), issuer: name });
    const named =
      hooks.isFirst && config.issuerFromRequest
        ? nameByRequest(authorizationServer, config, {
            store: intercepted ? faultyStore : store,
            log,
            now: clock.now,
            fetch,
            hooks: controls.hooks.forServer,
          })
        : undefined;
    async function replace(changed: Entries): Promise<void> {
      const before = configuration.current();
      await configuration.replace(known(changed)).catch((error) => {
        throw toEntryError(error);
      });
      await named?.each((server) => server.configuration.replace(known(changed)));
      await entriesChanged?.(changed).catch(async (error) => {
        await configuration.replace(before);
        throw error instanceof TypeError ? new InputError('', error.message) : error;
      });
    }
    const made = createIssuer(
      {
        issuer: () => configuration.current().issuer,
        ...{ entries: { apis, clients, users, routes }, check, intercepted, permissive },
      },
      {
        ...{ store, clock, log, controls, replace, locate },
        authorizationServer: named ? { ...authorizationServer, handler: named.handler } : authorizationServer,
        ...{ gatewayUrl, tenantGateway: gateway, fetch: fetch ?? ownFetch },
      },
    );
    const handler = permissive ? acceptPathsOfMocks(issuer, made.handler) : made.handler;
    if (!showsServerPage(config, config.host)) return { ...made, handler, rename };
    const path = mountPathOf(issuer);
    const page = () =>
      issuerPage(
        { issuer: made.controls.issuer, permissive, users: made.controls.users.list(), tenants: tenantsBelow() },
        config.features,
      );
    return { ...made, rename, handler: serveServerPages((url) => (isPageOf(path, url) ? page() : undefined), handler) };
  };
}

/**
 * Lets each address that clients use be an issuer with its own keys, sessions and tokens, and the clients, users and APIs of the first one.
 * A token of one is not valid at another.
 */
function nameByRequest(
  server: AuthorizationServer,
  config: Config,
  dependencies: AuthorizationServerDependencies,
): NamedIssuers<AuthorizationServer> {
  const { store, log } = dependencies;
  log.warn({}, 'each address that clients use is an issuer of its own (issuer: from-request). For development only');
  return createNamedIssuers({
    first: { issuer: config.issuer, server },
    find: createIssuerFinder(config),
    create: (issuer) => {
      const partition = `from-request.${createHash('sha256').update(issuer).digest('base64url')}`;
      const current = server.configuration.current();
      return createAuthorizationServer({ ...current, issuer }, { ...dependencies, store: store.partition(partition) });
    },
    failed: (error) => log.error(errorFields(error), 'an issuer by request could not be created'),
  });
}

/** The gateway itself serves the APIs of the first issuer. */
function firstIssuerHooks(config: Config, apisChanged: AuthorizationServerRole['apisChanged']): IssuerHooks {
  return {
    isFirst: true,
    check: ({ routes, ...entries }) =>
      validate(schemaFor('authorization-server'), { ...config, ...entries, gateway: { ...config.gateway, routes } })
        .error,
    entriesChanged: whenApisChange({ ...config, routes: config.gateway.routes }, apisChanged),
  };
}

/** A tenant has a gateway of its own, below its path. */
function tenantHooks(
  tenant: Tenant,
  {
    config,
    issuer,
    controls,
    faultyStore,
    gatewayUrl,
    openTenantGateway,
  }: {
    readonly config: Config;
    readonly issuer: string;
  } & Pick<IssuerParts, 'controls' | 'faultyStore'> &
    Pick<AuthorizationServerRole, 'gatewayUrl' | 'openTenantGateway'>,
): IssuerHooks {
  const { id } = tenant;
  const check = (changed: Entries) =>
    validate(tenantSchema, { ...tenant, ...changed }).error ??
    validate(schemaFor('gateway'), asOnlyIssuer(changed, config)).error;
  const wrong = check(tenant)?.issues[0];
  if (wrong) throw new InputError(pathText(wrong.path.filter((step) => step !== 'gateway')), wrong.message);
  const gateway = openTenantGateway?.({
    ...{ id, issuer, entries: tenant, store: faultyStore, controls: controls.gateway },
  });
  const ownClients = [config.gateway.client, config.sampleApi.client].flatMap((client) =>
    client?.secret === undefined ? [] : introspectingClient({ id: client.id, secret: client.secret }),
  );
  return {
    check,
    entriesChanged: whenApisChange(tenant, gateway?.replace),
    keysPublished: gateway?.setKeys,
    gatewayUrl: () => {
      const url = gateway && gatewayUrl?.();
      return url === undefined ? undefined : `${url}/${id}`;
    },
    gateway,
    ownClients,
  };
}

/** A configuration with the APIs and routes of a tenant, to check them. */
function asOnlyIssuer({ apis, routes }: Entries, config: Config): Config {
  const gateway = { ...config.gateway, tokenHandlers: [], decisionEndpoints: [], routes };
  return { ...config, apis, clients: [], users: [], tenants: [], gateway };
}

/** Clients and users do not concern the other roles. */
function whenApisChange(
  known: Pick<Entries, 'apis' | 'routes'>,
  changed: ((entries: Entries) => Promise<void>) | undefined,
): (entries: Entries) => Promise<void> {
  let { apis, routes } = known;
  return async (entries) => {
    if (entries.apis === apis && entries.routes === routes) return;
    await changed?.(entries);
    ({ apis, routes } = entries);
  };
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

/** @param entries the issuer, and its APIs, clients and users */
function authorizationServerConfig(
  config: Config,
  entries: Pick<AuthorizationServerConfig, 'issuer' | 'secret' | 'apis' | 'clients' | 'users' | keyof Permissiveness>,
): AuthorizationServerConfig {
  const { lifetimes, features, scopes, trustedIssuers, authorizationServer, tls } = config;
  // A generated certificate is only for development, so clients at private addresses are fine for any issuer.
  const callsPrivateAddresses = tls?.selfMade || undefined;
  return { ...authorizationServer, lifetimes, features, scopes, trustedIssuers, callsPrivateAddresses, ...entries };
}

/** A tenant with the entries and routes of the first issuer. */
function tenantLikeFirst(id: string, config: Config): Tenant {
  const { apis, clients, users, gateway } = config;
  return { id, apis, clients, users, routes: gateway.routes, ...permissivenessOf(config) };
}

function permissivenessOf({ permissive, permissiveAccessTokens, permissiveUser }: Permissiveness): Permissiveness {
  return { permissive, permissiveAccessTokens, permissiveUser };
}

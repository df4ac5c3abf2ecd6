import { randomBytes } from 'node:crypto';
import { type AuthorizationServerConfig, createAuthorizationServer } from '@tallystick/authorization-server';
import type { Log } from '@tallystick/common';
import { validate } from '@tallystick/common/config';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { z } from 'zod';
import { schemaFor } from '../config/config_schema.ts';
import { mayBePermissive, ONLY_ON_THIS_MACHINE } from '../config/cross_references/check_permissive.ts';
import { type Config, tenantSchema } from '../config/schema.ts';
import type { ManagedClock } from '../harness/clock/create_clock.ts';
import type { Entries } from '../harness/collections.ts';
import type { ServedGateway } from '../harness/gateway/create_gateway_verbs.ts';
import { createHarness, type Harness } from '../harness/harness.ts';
import { InputError, toConfigError, toEntryError } from '../harness/input_error.ts';
import { createIssuer, type ManagedIssuer } from '../harness/issuer.ts';
import { createTenants } from '../harness/tenants.ts';
import type { OpenApp } from './app.ts';
import type { RoleDependencies } from './dependencies.ts';
import { readinessOf } from './readiness.ts';
import { refuseChanges } from './refuse_changes.ts';

export interface AuthorizationServerRole extends Pick<RoleDependencies, 'store' | 'log' | 'tls'> {
  readonly clock: ManagedClock;
  /** Whether tests may record its requests and inject faults. */
  readonly intercepted: boolean;
  /** The gateway of this process, if it has one, for calls of tests. */
  readonly gateway?: (() => ServedGateway | undefined) | undefined;
  /** Called with the configuration after APIs of the first issuer changed, for the other roles of this process. */
  readonly apisChanged?: ((config: Config) => Promise<void>) | undefined;
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
  const { store, clock, apisChanged, keysPublished, gateway } = dependencies;
  const startIssuer = createIssuerStarter(config, dependencies);
  const first = await startIssuer(config, config.issuer, store, {
    ...firstIssuerHooks(config, apisChanged),
    keysPublished,
    gateway,
  }).catch((error) => {
    throw toConfigError(error);
  });
  const tenants = await createTenants(config.tenants, {
    issuer: config.issuer,
    store,
    start: ({ id, ...entries }, issuer, partition) =>
      startIssuer(entries, issuer, partition, {
        check: (changed) => validate(tenantSchema, { id, ...changed }).error,
      }),
    defaultHandler: first.handler,
  });
  app.answerWith(tenants.handler, () => readinessOf(store));
  return {
    harness: createHarness({ store, clock, first, tenants }),
    async replace(changed) {
      const fixed = (Object.keys(config) as (keyof Config)[]).filter((name) => !CHANGEABLE.includes(name));
      refuseChanges('the authorization server', config, changed, fixed);
      await first.configure(changed);
    },
    release() {
      first.release();
      tenants.release();
      clock.stop();
    },
  };
}

/** What happens when the entries or the keys of an issuer change. */
interface IssuerHooks {
  readonly check: (entries: Entries) => z.ZodError | undefined;
  readonly entriesChanged?: (entries: Entries) => Promise<void>;
  readonly keysPublished?: AuthorizationServerRole['keysPublished'];
  readonly gateway?: AuthorizationServerRole['gateway'];
}

type IssuerEntries = Entries & Pick<Config, 'permissive' | 'permissiveAccessTokens'>;

function createIssuerStarter(config: Config, { log, tls, clock, intercepted }: AuthorizationServerRole) {
  const secret = config.secret ?? randomBytes(32).toString('base64url');
  const fetch = tls?.trust.fetch;
  return async (
    given: IssuerEntries,
    issuer: string,
    store: TokenStore,
    hooks: IssuerHooks,
  ): Promise<ManagedIssuer> => {
    const { check, entriesChanged, keysPublished, gateway = () => undefined } = hooks;
    if (given.permissive && !mayBePermissive(config)) throw new InputError('permissive', ONLY_ON_THIS_MACHINE);
    const entries = entriesOf(given);
    const { permissive, permissiveAccessTokens } = given;
    const authorizationServer = await createAuthorizationServer(
      authorizationServerConfig(config, { ...entries, issuer, secret, permissive, permissiveAccessTokens }),
      { store, log, now: clock.now, keysPublished, fetch },
    );
    const { configuration } = authorizationServer;
    async function replace(changed: Entries): Promise<void> {
      const before = configuration.current();
      await configuration.replace(entriesOf(changed)).catch((error) => {
        throw toEntryError(error);
      });
      await entriesChanged?.(changed).catch(async (error) => {
        await configuration.replace(before);
        throw error instanceof TypeError ? new InputError('', error.message) : error;
      });
    }
    return createIssuer(
      { issuer, entries, check, intercepted, permissive },
      { store, clock, log, authorizationServer, replace, gateway, fetch: fetch ?? globalThis.fetch },
    );
  };
}

/** The gateway has routes to the APIs of the first issuer only. */
function firstIssuerHooks(config: Config, apisChanged: AuthorizationServerRole['apisChanged']): IssuerHooks {
  let { apis } = config;
  return {
    check: (entries) => validate(schemaFor('authorization-server'), { ...config, ...entries }).error,
    async entriesChanged(entries) {
      if (entries.apis === apis) return;
      await apisChanged?.({ ...config, ...entries });
      apis = entries.apis;
    },
  };
}

/** Checks clients, users and the signing key without listening or using the store. @throws {ConfigError} */
export async function checkAuthorizationServer(config: Config, log: Log): Promise<void> {
  const store = await openTokenStore(storeConfig());
  const secret = randomBytes(32).toString('base64url');
  const checked = authorizationServerConfig(config, {
    ...entriesOf(config),
    issuer: config.issuer,
    secret,
    permissive: config.permissive,
    permissiveAccessTokens: config.permissiveAccessTokens,
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
  entries: Pick<
    AuthorizationServerConfig,
    'issuer' | 'secret' | 'apis' | 'clients' | 'users' | 'permissive' | 'permissiveAccessTokens'
  >,
): AuthorizationServerConfig {
  const { lifetimes, features, scopes, trustedIssuers, authorizationServer, tls } = config;
  // A generated certificate is only for development, so clients at private addresses are fine for any issuer.
  const callsPrivateAddresses = tls?.selfMade || undefined;
  return { ...authorizationServer, lifetimes, features, scopes, trustedIssuers, callsPrivateAddresses, ...entries };
}

function entriesOf({ apis, clients, users }: Entries): Entries {
  return { apis, clients, users };
}

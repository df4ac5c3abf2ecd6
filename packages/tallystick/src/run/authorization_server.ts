import { randomBytes } from 'node:crypto';
import { type AuthorizationServerConfig, createAuthorizationServer } from '@tallystick/authorization-server';
import type { Readiness } from '@tallystick/common';
import { validate } from '@tallystick/common/config';
import { openTokenStore, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { schemaFor } from '../config/config_schema.ts';
import { type Config, tenantSchema } from '../config/schema.ts';
import type { ManagedClock } from '../harness/clock/create_clock.ts';
import type { Entries } from '../harness/collections.ts';
import { createHarness, type Harness } from '../harness/harness.ts';
import { InputError, toConfigError, toEntryError } from '../harness/input_error.ts';
import { createIssuer, type ManagedIssuer } from '../harness/issuer.ts';
import { createTenants } from '../harness/tenants.ts';
import type { OpenApp } from './app.ts';
import type { RoleDependencies } from './dependencies.ts';
import { refuseChanges } from './refuse_changes.ts';

export interface AuthorizationServerRole extends Pick<RoleDependencies, 'store' | 'log' | 'tls'> {
  readonly clock: ManagedClock;
  /** Whether tests may record its requests and inject faults. */
  readonly intercepted: boolean;
  /** Told what the configuration has become, when APIs changed: who else in this process serves them follows. */
  readonly followApis?: (config: Config) => Promise<void>;
  /** Told the public keys of the first issuer whenever they change, before one of the new ones signs. */
  readonly followKeys?: (jwks: { readonly keys: readonly unknown[] }) => void;
}

/** The authorization server with the tenants beside it, answering on an app. */
export interface RunningAuthorizationServer {
  readonly harness: Harness;
  /**
   * Serves new requests by the clients, users and APIs of another configuration.
   *
   * @throws {ConfigError} something is different that cannot change while it runs; nothing changed
   * @throws {InputError} it cannot be used; nothing changed
   */
  replace(config: Config): Promise<void>;
  /** Ends every wait, so that the app can stop. */
  release(): void;
}

/** What can change while it runs, and what it never reads. Everything else it reads only when it starts. */
const CHANGEABLE: readonly string[] = ['apis', 'clients', 'users', 'gateway', 'sampleApi', 'log'];

/** @throws {ConfigError} */
export async function runAuthorizationServer(
  config: Config,
  app: OpenApp,
  { store, log, tls, clock, intercepted, followApis = async () => {}, followKeys }: AuthorizationServerRole,
): Promise<RunningAuthorizationServer> {
  const secret = config.secret ?? randomBytes(32).toString('base64url');

  async function start(
    given: Entries,
    issuer: string,
    part: TokenStore,
    { check, follow, keysPublished }: IssuerRules,
  ): Promise<ManagedIssuer> {
    const entries = entriesOf(given);
    const authorizationServer = await createAuthorizationServer(
      authorizationServerConfig(config, { ...entries, issuer, secret }),
      { store: part, log, now: clock.now, keysPublished, ...(tls && { fetch: tls.trust.fetch }) },
    );
    const { configuration } = authorizationServer;
    async function replace(changed: Entries): Promise<void> {
      const before = configuration.current();
      await configuration.replace(entriesOf(changed)).catch((error) => {
        throw toEntryError(error);
      });
      await follow?.(changed).catch(async (error) => {
        await configuration.replace(before);
        throw error instanceof TypeError ? new InputError('', error.message) : error;
      });
    }
    return createIssuer(
      { issuer, entries, check, intercepted },
      { store: part, clock, log, authorizationServer, replace },
    );
  }

  const first = await start(config, config.issuer, store, {
    ...rulesOfFirst(config, followApis),
    ...(followKeys && { keysPublished: followKeys }),
  }).catch((error) => {
    throw toConfigError(error);
  });
  const tenants = await createTenants(config.tenants, {
    issuer: config.issuer,
    store,
    start: ({ id, ...entries }, issuer, part) =>
      start(entries, issuer, part, { check: (changed) => validate(tenantSchema, { id, ...changed }).error }),
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

async function readinessOf(store: TokenStore): Promise<Readiness> {
  try {
    await store.ping();
    return { unready: [], reasons: {}, warnings: store.warnings() };
  } catch (error) {
    const reasons = error instanceof StoreUnavailableError ? { 'token-store': error.reason } : {};
    return { unready: ['token-store'], reasons, warnings: store.warnings() };
  }
}

/** What a change of an issuer's entries must bear in mind. */
interface IssuerRules {
  readonly check: (entries: Entries) => z.ZodError | undefined;
  readonly follow?: (entries: Entries) => Promise<void>;
  readonly keysPublished?: AuthorizationServerRole['followKeys'];
}

/** The gateway has routes to the APIs of the first issuer. */
function rulesOfFirst(config: Config, followApis: (config: Config) => Promise<void>): IssuerRules {
  let followed = config.apis;
  return {
    check: (entries) => validate(schemaFor('authorization-server'), { ...config, ...entries }).error,
    async follow(entries) {
      if (entries.apis === followed) return;
      await followApis({ ...config, ...entries });
      followed = entries.apis;
    },
  };
}

/** Finds what is wrong with the clients without listening or touching the store. @throws {ConfigError} */
export async function checkAuthorizationServer(config: Config, log: Logger): Promise<void> {
  const store = await openTokenStore(storeConfig());
  const secret = randomBytes(32).toString('base64url');
  const checked = authorizationServerConfig(config, { ...entriesOf(config), issuer: config.issuer, secret });
  try {
    await createAuthorizationServer(checked, { store, log });
  } catch (error) {
    throw toConfigError(error);
  } finally {
    await store.close();
  }
}

/** @param entries its issuer, and the APIs, clients and users of that issuer */
function authorizationServerConfig(
  config: Config,
  entries: Pick<AuthorizationServerConfig, 'issuer' | 'secret' | 'apis' | 'clients' | 'users'>,
): AuthorizationServerConfig {
  const { lifetimes, features, trustedIssuers, authorizationServer, tls } = config;
  // A self-made certificate means development, whatever the issuer is called.
  const callsPrivateAddresses = tls?.selfMade || undefined;
  return { ...authorizationServer, lifetimes, features, trustedIssuers, callsPrivateAddresses, ...entries };
}

function entriesOf({ apis, clients, users }: Entries): Entries {
  return { apis, clients, users };
}

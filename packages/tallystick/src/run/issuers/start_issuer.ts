import { createHash, randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import {
  type AuthorizationServer,
  type AuthorizationServerDependencies,
  acceptPathsOfMocks,
  createAuthorizationServer,
  mountPathOf,
} from '@tallystick/authorization-server';
import { errorFields } from '@tallystick/common';
import { mayBePermissive, ONLY_ON_THIS_MACHINE } from '../../config/cross_references/check_permissive.ts';
import type { Config } from '../../config/schema.ts';
import type { Entries } from '../../harness/collections.ts';
import { InputError, toEntryError } from '../../harness/input_error.ts';
import { createIssuer, type ManagedIssuer } from '../../harness/issuer.ts';
import type { AuthorizationServerRole } from '../authorization_server_role.ts';
import { issuerPage, type ShownIssuer, serveServerPages, showsServerPage } from '../server_pages.ts';
import { authorizationServerConfig, type Permissiveness, permissivenessOf } from './issuer_config.ts';
import type { IssuerHooks } from './issuer_hooks.ts';
import { createIssuerFinder, createNamedIssuers, type NamedIssuers } from './issuer_names.ts';
import type { IssuerParts } from './issuer_parts.ts';

/** An issuer that can get another name. */
export interface RenamableIssuer extends ManagedIssuer {
  rename(issuer: string): Promise<void>;
}

/** Starts the issuers of a server: the first one and its tenants. @throws {InputError} the issuer may not be permissive */
export function createIssuerStarter(config: Config, dependencies: AuthorizationServerRole) {
  const { log, tls, clock, intercepted, locate, fetch: ownFetch = globalThis.fetch } = dependencies;
  const secret = config.secret ?? randomBytes(32).toString('base64url');
  const fetch = tls?.trust.fetch;
  return async (
    given: Entries & Permissiveness,
    issuer: string,
    { controls, store, faultyStore }: IssuerParts,
    hooks: IssuerHooks,
  ): Promise<RenamableIssuer> => {
    const { check, gatewayUrl = () => undefined, gateway: tenantGateway } = hooks;
    const { apis, clients, users, routes, permissive } = given;
    if (permissive && !mayBePermissive(config)) throw new InputError('permissive', ONLY_ON_THIS_MACHINE);

    const serverDependencies: AuthorizationServerDependencies = {
      ...{ store: intercepted ? faultyStore : store, log, now: clock.now, fetch },
      hooks: controls.hooks.forServer,
    };
    const authorizationServer = await createAuthorizationServer(
      authorizationServerConfig(config, {
        ...withOwnClients(given, hooks),
        ...permissivenessOf(given),
        issuer,
        secret,
      }),
      { ...serverDependencies, keysPublished: hooks.keysPublished },
    );
    const { configuration } = authorizationServer;
    const named =
      hooks.isFirst && config.issuerFromRequest
        ? nameByRequest(authorizationServer, config, serverDependencies)
        : undefined;
    const made = createIssuer(
      {
        issuer: () => configuration.current().issuer,
        ...{ entries: { apis, clients, users, routes }, check, intercepted, permissive },
      },
      {
        ...{ store, clock, log, controls, locate, gatewayUrl, tenantGateway, fetch: fetch ?? ownFetch },
        replace: (changed) => replaceEntries(authorizationServer, named, changed, hooks),
        authorizationServer: named ? { ...authorizationServer, handler: named.handler } : authorizationServer,
      },
    );
    const handler = permissive ? acceptPathsOfMocks(issuer, made.handler) : made.handler;
    const shown = (): ShownIssuer => ({
      ...{ issuer: made.controls.issuer, permissive, users: made.controls.users.list() },
      tenants: hooks.tenantsBelow?.() ?? [],
    });
    return {
      ...made,
      handler: withPage(config, mountPathOf(issuer), shown, handler),
      rename: (name) => configuration.replace({ ...configuration.current(), issuer: name }),
    };
  };
}

/** The entries of an issuer, with the clients of the roles of this process that it does not define itself. */
function withOwnClients({ apis, clients, users }: Omit<Entries, 'routes'>, { ownClients = [] }: IssuerHooks) {
  const others = ownClients.filter(({ id }) => !clients.some((client) => client.id === id));
  return { apis, clients: [...clients, ...others], users };
}

/** Uses other entries. @throws {InputError} they are not valid; the previous ones stay in use */
async function replaceEntries(
  { configuration }: AuthorizationServer,
  named: NamedIssuers<AuthorizationServer> | undefined,
  changed: Entries,
  hooks: IssuerHooks,
): Promise<void> {
  const before = configuration.current();
  const known = withOwnClients(changed, hooks);
  await configuration.replace(known).catch((error) => {
    throw toEntryError(error);
  });
  await named?.each((server) => server.configuration.replace(known));
  await hooks.entriesChanged?.(changed).catch(async (error) => {
    await configuration.replace(before);
    throw error instanceof TypeError ? new InputError('', error.message) : error;
  });
}

/** Serves the page of an issuer at its URL, with or without a slash at the end. */
function withPage(
  config: Config,
  mountPath: string,
  shown: () => ShownIssuer,
  handler: RequestListener,
): RequestListener {
  if (!showsServerPage(config, config.host)) return handler;
  const isPage = (url: string) => url === `${mountPath}/` || url === mountPath;
  return serveServerPages((url) => (isPage(url) ? issuerPage(shown(), config.features) : undefined), handler);
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

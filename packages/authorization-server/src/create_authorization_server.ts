import type { IncomingMessage, RequestListener } from 'node:http';
import type { Log } from '@tallystick/common';
import type { TokenStore } from '@tallystick/token-store';
import type { JSONWebKeySet } from 'jose';
import type { JWKS } from 'oidc-provider';
import { createRemovals } from './clients/removals.ts';
import type { AuthorizationServerConfig, ClientConfig } from './config/config.ts';
import type { TestHooks } from './hooks/hooks.ts';
import { algorithmsAtStart, algorithmsInUse } from './keys/algorithms.ts';
import { createClientKeys, withPendingKeys } from './keys/client_keys.ts';
import { type KeyNeeds, type KeySource, openSigningKeys, type SigningKeys } from './keys/signing_keys.ts';
import type { BackchannelRequests } from './other_devices/backchannel_requests.ts';
import { createProvider, type IssuingProvider } from './provider/create_provider.ts';
import { describeError } from './provider/error_boundary.ts';
import { mountPathOf } from './provider/mount.ts';
import type { IssueToken } from './tokens/issue_token.ts';
import type { IssuedTokens } from './tokens/issued_tokens.ts';
import { createLifetimes } from './tokens/lifetimes.ts';
import { createRecentTokens } from './tokens/recent_tokens.ts';

export interface AuthorizationServer {
  /** Handles requests. The caller provides the listening server. */
  readonly handler: RequestListener;
  readonly keys: SigningKeys;
  readonly configuration: ChangeableConfiguration;
  /**
   * Issues an access token without a flow, for tests: the token that a flow would issue, or one with a chosen defect.
   *
   * @throws {TokenRequestError} no flow could issue this token
   */
  readonly issueToken: IssueToken;
  readonly issuedTokens: IssuedTokens;
  /** Approves and denies backchannel authentication requests (CIBA). */
  readonly backchannelRequests: BackchannelRequests;
}

/** The part of the configuration that can change at run time. Requests in flight finish with the previous configuration. */
export interface ChangeableConfiguration {
  current(): AuthorizationServerConfig;
  /**
   * Replaces APIs, clients and users, and revokes everything that was issued to removed clients and users. Another issuer must have the
   * same path. It does not accept JWTs of the previous one.
   *
   * @throws {WrongClientError} a client has invalid metadata; nothing changed
   * @throws {WrongUserError} a user has the same identifier as a client; nothing changed
   * @throws {StoreUnavailableError} the store is unavailable; the previous configuration stays in use
   */
  replace(
    changed: Pick<AuthorizationServerConfig, 'apis' | 'clients' | 'users'> & { readonly issuer?: string },
  ): Promise<void>;
}

export interface AuthorizationServerDependencies {
  /** Functions of a test. Default: nothing is changed. */
  readonly hooks?: TestHooks | undefined;
  readonly store: TokenStore;
  readonly log: Log;
  /** The current time in epoch milliseconds. Default: `Date.now`, which is also oidc-provider's clock. */
  readonly now?: () => number;
  /** Called with the public signing keys when they change, before this server signs anything with a new one. */
  readonly keysPublished?: ((jwks: JSONWebKeySet) => void) | undefined;
  /** Fetches keys and metadata of clients and keys of trusted issuers, and sends notifications. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * Creates an OAuth 2.0 / OpenID Connect authorization server. Servers that share a store act as one.
 *
 * @throws {WrongKeyError} the configured signing key does not fit the signing algorithm
 * @throws {StoreUnavailableError} the signing keys cannot be read from the store
 * @throws {WrongSecretError} the store belongs to servers with another secret
 * @throws {WrongClientError} a client has invalid metadata
 * @throws {WrongUserError} a user has the same identifier as a client
 */
export async function createAuthorizationServer(
  given: AuthorizationServerConfig,
  { store, log, fetch, keysPublished, hooks = {}, now = () => Date.now() }: AuthorizationServerDependencies,
): Promise<AuthorizationServer> {
  let config = given;
  const mountPath = mountPathOf(given.issuer);
  const clientKeys = createClientKeys({
    mountPath,
    signAccessTokens: config.permissive,
    isMade: algorithmsAtStart(config).length === algorithmsInUse(config).length,
    make: () => keys.provide(keyNeedsOf(config, algorithmsInUse(config))),
  });
  const needsOf = (used: AuthorizationServerConfig) =>
    keyNeedsOf(used, clientKeys.isMade() ? algorithmsInUse(used) : algorithmsAtStart(used));
  const keys = await openSigningKeys(config, () => needsOf(config), {
    ...{ store, now, onPublish: keysPublished },
    onRestore: () => log.warn({}, 'the store lost signing keys; this server restores them'),
  });
  async function latestKeys(): Promise<JWKS> {
    await keys.reread();
    return keys.jwks();
  }

  const recentTokens = createRecentTokens({ now });
  const dependencies = { store, log, recentTokens, now, fetch, latestKeys, hooks };
  const build: BuildProvider = (built, jwks = keys.jwks()) =>
    createProvider(built, withPendingKeys(jwks, algorithmsInUse(built)), dependencies);
  const serving = new Serving(build, config, await keys.refresh());
  await serving.provider.checkClients();
  await serving.provider.checkUsers();
  warnAboutSettings(config, log);
  const removals = createRemovals(config, { store, now });
  await removals.atStart(config);

  async function replace(changed: Parameters<ChangeableConfiguration['replace']>[0]): Promise<void> {
    const before = config;
    const replaced = { ...before, ...changed };
    const prepared = await keys.prepare(needsOf(replaced));
    const checked = build(replaced, prepared.jwks);
    await checked.checkClients();
    await checked.checkUsers(before.users);
    await prepared.provide();
    const use = (used: AuthorizationServerConfig) => {
      config = used;
      serving.use(used);
    };
    use(replaced);
    const warned = new Set(before.clients.filter((client) => client.insecureRedirectUriPatterns).map(({ id }) => id));
    const others = replaced.clients.filter(({ id }) => !warned.has(id));
    warnAboutPatterns(others, log);
    // New requests no longer know the removed clients and users. Requests in flight are refused when they write.
    await removals.atChange(before, replaced).catch((error) => {
      use(before);
      throw error;
    });
  }

  return {
    handler: createHandler((version) => serving.at(version), { keys, clientKeys, jwksPath: `${mountPath}/jwks`, log }),
    async issueToken(request) {
      if (config.permissive) await clientKeys.ready();
      const issued = await serving.at(await keys.refresh()).issueToken(request);
      await keys.provide({ algorithms: [], longestLife: request.lifetime ?? 0 });
      return issued;
    },
    issuedTokens: {
      find: (token) => serving.provider.issuedTokens.find(token),
      revoke: (token) => serving.provider.issuedTokens.revoke(token),
    },
    backchannelRequests: {
      pending: (user) => serving.provider.backchannelRequests.pending(user),
      approve: (request) => serving.provider.backchannelRequests.approve(request),
      deny: (request) => serving.provider.backchannelRequests.deny(request),
    },
    keys: {
      async list() {
        await clientKeys.ready();
        return keys.list();
      },
      async rotate(options) {
        await clientKeys.ready();
        return keys.rotate(options);
      },
    },
    configuration: { current: () => config, replace },
  };
}

/** Settings that are for tests or for old clients. */
function warnAboutSettings({ issuer, permissive, features, clients }: AuthorizationServerConfig, log: Log): void {
  if (permissive) log.warn({ issuer }, 'this issuer is permissive: it accepts every client. For tests only');
  if (features.implicit)
    log.warn(
      {},
      'the implicit grant is enabled (features.implicit): tokens pass through the browser. For old clients only',
    );
  warnAboutPatterns(clients, log);
}

function warnAboutPatterns(clients: readonly ClientConfig[], log: Log): void {
  for (const { id, insecureRedirectUriPatterns } of clients) {
    if (insecureRedirectUriPatterns)
      log.warn(
        { client: id },
        'redirect URIs of this client are patterns (insecureRedirectUriPatterns): every address that matches can receive codes',
      );
  }
}

type BuildProvider = (config: AuthorizationServerConfig, jwks?: JWKS) => IssuingProvider;

/** The provider that serves new requests. A change of keys or configuration replaces it. */
class Serving {
  readonly #build: BuildProvider;
  #config: AuthorizationServerConfig;
  #keysVersion: number;
  provider: IssuingProvider;

  constructor(build: BuildProvider, config: AuthorizationServerConfig, keysVersion: number) {
    this.#build = build;
    this.#config = config;
    this.#keysVersion = keysVersion;
    this.provider = build(config);
  }

  /** The provider for the keys of a version. */
  at(keysVersion: number): IssuingProvider {
    if (keysVersion !== this.#keysVersion) {
      this.#keysVersion = keysVersion;
      this.use(this.#config);
    }
    return this.provider;
  }

  use(config: AuthorizationServerConfig): void {
    this.#config = config;
    this.provider = this.#build(config);
  }
}

interface HandlerDependencies {
  readonly keys: KeySource;
  readonly clientKeys: ReturnType<typeof createClientKeys>;
  readonly jwksPath: string;
  readonly log: Log;
}

/** Hands each request to the provider for the latest keys. Most requests find the keys unchanged and wait for nothing. */
function createHandler(
  providerFor: (version: number) => IssuingProvider,
  { keys, clientKeys, jwksPath, log }: HandlerDependencies,
): RequestListener {
  /** A client that fetches the JWKS may look for a key that another authorization server has just created. */
  function latestKeysVersion({ url = '' }: IncomingMessage): number | Promise<number> {
    return url.split('?', 1)[0] === jwksPath ? keys.reread() : keys.refresh();
  }

  function keysVersionFor(request: IncomingMessage): number | Promise<number> {
    if (clientKeys.isMade()) return latestKeysVersion(request);
    return clientKeys.readyFor(request).then(() => latestKeysVersion(request));
  }

  return (request, response) => {
    const version = keysVersionFor(request);
    if (typeof version === 'number') {
      providerFor(version).handler(request, response);
      return;
    }
    version
      .then((known) => providerFor(known).handler(request, response))
      .catch((error) => {
        log.error(describeError(error), 'request failed');
        response.writeHead(500).end();
      });
  };
}

function keyNeedsOf(config: AuthorizationServerConfig, algorithms: KeyNeeds['algorithms']): KeyNeeds {
  return { algorithms, longestLife: createLifetimes(config).longestSigned };
}

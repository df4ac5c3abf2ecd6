import type { IncomingMessage, RequestListener } from 'node:http';
import type { Log } from '@tallystick/common';
import type { TokenStore } from '@tallystick/token-store';
import type { JSONWebKeySet } from 'jose';
import type { JWKS } from 'oidc-provider';
import { createDepartures } from './clients/departures.ts';
import type { AuthorizationServerConfig } from './config/config.ts';
import { algorithmsInUse } from './keys/algorithms.ts';
import { type KeyNeeds, openSigningKeys, type SigningKeys } from './keys/signing_keys.ts';
import type { BackchannelRequests } from './other_devices/backchannel_requests.ts';
import { createProvider, type IssuingProvider } from './provider/create_provider.ts';
import { describeError } from './provider/error_boundary.ts';
import { mountPathOf } from './provider/mount.ts';
import type { IssueToken } from './tokens/issue_token.ts';
import { createLifetimes } from './tokens/lifetimes.ts';

export interface AuthorizationServer {
  /** Answers requests; whoever made the server listens. */
  readonly handler: RequestListener;
  readonly keys: SigningKeys;
  readonly configuration: ChangeableConfiguration;
  /**
   * Issues an access token without a flow, for tests: what a flow would have issued, or one that is broken on purpose.
   *
   * @throws {TokenRequestError} no flow could have issued it
   */
  readonly issueToken: IssueToken;
  /** Approves and denies what clients ask users for on the backchannel (CIBA). */
  readonly backchannelRequests: BackchannelRequests;
}

/** The part of the configuration that can change while the server runs. Requests under way finish with what was before. */
export interface ChangeableConfiguration {
  current(): AuthorizationServerConfig;
  /**
   * What was issued to a client or a user that is not there any more is revoked.
   *
   * @throws {WrongClientError} a client's metadata cannot be; nothing changed
   * @throws {WrongUserError} a user has the name of a client; nothing changed
   * @throws {StoreUnavailableError} the store does not answer; the configuration is what it was
   */
  replace(changed: Pick<AuthorizationServerConfig, 'apis' | 'clients' | 'users'>): Promise<void>;
}

export interface AuthorizationServerDependencies {
  readonly store: TokenStore;
  readonly log: Log;
  /** Epoch milliseconds. Default: `Date.now`, which is also oidc-provider's clock. */
  readonly now?: () => number;
  /** Is told the public signing keys whenever they change, before one of the new ones signs anything here. */
  readonly keysPublished?: ((jwks: JSONWebKeySet) => void) | undefined;
  /** Calls clients, for their keys and metadata and to notify them, and trusted issuers for their keys. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Makes an OAuth 2.0 / OpenID Connect authorization server. Several on one store act as one.
 *
 * @throws {WrongKeyError} the configured signing key is not one for the signing algorithm
 * @throws {StoreUnavailableError} the signing keys cannot be read from the store
 * @throws {WrongSecretError} the store belongs to servers with another secret
 * @throws {WrongClientError} a client's metadata cannot be
 * @throws {WrongUserError} a user has the name of a client
 */
export async function createAuthorizationServer(
  given: AuthorizationServerConfig,
  { store, log, fetch, keysPublished, now = () => Date.now() }: AuthorizationServerDependencies,
): Promise<AuthorizationServer> {
  let config = given;
  let needs = keyNeedsOf(config);
  const keys = await openSigningKeys(config, () => needs, {
    ...{ store, now, published: keysPublished },
    putBack: () => log.warn({}, 'the store has lost signing keys: this server puts them back'),
  });
  async function latestKeys(): Promise<JWKS> {
    await keys.reread();
    return keys.jwks();
  }

  const build = (of = config, jwks = keys.jwks()) => createProvider(of, jwks, { store, log, now, fetch, latestKeys });
  let keysVersion = await keys.refresh();
  let current = build();
  await current.checkClients();
  await current.checkUsers();
  const departures = createDepartures(config, { store, now });
  await departures.atStart(config);

  const jwksPath = `${mountPathOf(config.issuer)}/jwks`;

  /** Whoever fetches the keys may have seen one that another authorization server made a moment ago. */
  function keysFor({ url = '' }: IncomingMessage): number | Promise<number> {
    return url.split('?', 1)[0] === jwksPath ? keys.reread() : keys.refresh();
  }

  function withKeys(version: number): IssuingProvider {
    if (version !== keysVersion) {
      keysVersion = version;
      current = build();
    }
    return current;
  }

  function use(changed: AuthorizationServerConfig): void {
    needs = keyNeedsOf(changed);
    config = changed;
    current = build(); // With the keys as they are by now.
  }

  return {
    handler(request, response) {
      const version = keysFor(request);
      if (typeof version === 'number') {
        withKeys(version).handler(request, response);
        return;
      }
      version
        .then((known) => withKeys(known).handler(request, response))
        .catch((error) => {
          log.error(describeError(error), 'request failed');
          response.writeHead(500).end();
        });
    },
    async issueToken(request) {
      const issued = await withKeys(await keys.refresh()).issueToken(request);
      await keys.provide({ algorithms: [], longestLife: request.lifetime ?? 0 });
      return issued;
    },
    backchannelRequests: {
      pending: (user) => current.backchannelRequests.pending(user),
      approve: (request) => current.backchannelRequests.approve(request),
      deny: (request) => current.backchannelRequests.deny(request),
    },
    keys: { list: keys.list, rotate: keys.rotate },
    configuration: {
      current: () => config,
      async replace(changed) {
        const replaced = { ...config, ...changed };
        const prepared = await keys.prepare(keyNeedsOf(replaced));
        const checked = build(replaced, prepared.jwks);
        await checked.checkClients();
        await checked.checkUsers(config.users);
        await prepared.provide();
        const before = config;
        use(replaced);
        // By now no request begins that knows those who are gone. Those under way are refused when they write.
        await departures.between(before, replaced).catch((error) => {
          use(before);
          throw error;
        });
      },
    },
  };
}

function keyNeedsOf(config: AuthorizationServerConfig): KeyNeeds {
  return { algorithms: algorithmsInUse(config), longestLife: createLifetimes(config).longestSigned };
}

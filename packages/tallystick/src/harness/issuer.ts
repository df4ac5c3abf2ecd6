import type { RequestListener } from 'node:http';
import { performance } from 'node:perf_hooks';
import {
  type AuthorizationServer,
  type BackchannelRequests,
  mountPathOf,
  type RotateOptions,
  type SigningKey,
  type SigningKeys,
  WrongKeyError,
} from '@tallystick/authorization-server';
import type { TokenStore } from '@tallystick/token-store';
import type { TenantGateway } from '../run/tenant_gateway.ts';
import type { ManagedClock } from './clock/create_clock.ts';
import { type Collections, type CollectionsOptions, createCollections, type Entries } from './collections.ts';
import type { Controls } from './controls.ts';
import type { Faults } from './faults/faults.ts';
import { intercept } from './faults/intercept.ts';
import type { ScriptedAnswers } from './faults/scripted_answers.ts';
import { createGatewayVerbs, type GatewayVerbs } from './gateway/create_gateway_verbs.ts';
import type { Hooks } from './hooks/create_hooks.ts';
import { InputError } from './input_error.ts';
import type { RecordedRequests } from './requests/create_recorded_requests.ts';
import { createSignInVerbs, type SignInVerbs } from './sign_in/create_sign_in_verbs.ts';
import { createTokenVerbs, type TokenVerbs } from './tokens/create_token_verbs.ts';

/** Test controls of one issuer: the first one or a tenant. They do not affect other issuers. */
export interface Issuer
  extends Pick<Collections, 'clients' | 'users' | 'apis' | 'routes'>,
    TokenVerbs,
    SignInVerbs,
    GatewayVerbs {
  /** Issuer identifier and base URL of the endpoints. */
  readonly issuer: string;
  /** Base URL of its APIs at the gateway. Absent without a gateway in this process. */
  readonly gatewayUrl?: string | undefined;
  readonly faults: Faults;
  readonly scriptedAnswers: ScriptedAnswers;
  /** Functions that change what is issued and answered. Over HTTP, scripted answers do this. */
  readonly hooks: Hooks;
  /** What the authorization server and the gateway were asked. */
  readonly requests: RecordedRequests;
  /** What the APIs behind the gateway received. */
  readonly calls: RecordedRequests;
  /** Lists and rotates the signing keys. */
  readonly keys: SigningKeys;
  /** Approves or denies backchannel requests (CIBA). */
  readonly backchannelRequests: BackchannelRequests;
  /**
   * Replaces the signing key. The next token is signed with the new key, and gateways know it. Earlier tokens stay valid.
   *
   * @param options `announceFor` delays the new key. Default: 0 milliseconds
   * @returns all keys in the JWKS
   * @throws {InputError} the given key does not fit the algorithm
   */
  rotateKeys(options?: RotateOptions): Promise<SigningKey[]>;
  /**
   * Restores the configured state: clients, users and APIs as configured; no faults, scripted answers or recorded requests; and
   * nothing in the store but this issuer's signing keys.
   *
   * @returns the time it took
   */
  reset(): Promise<{ milliseconds: number }>;
}

/** An issuer with the methods that its server needs. */
export interface ManagedIssuer {
  readonly controls: Issuer;
  readonly handler: RequestListener;
  /** Serves the APIs of a tenant. Absent without a gateway in this process; the gateway itself serves those of the first issuer. */
  readonly gateway?: TenantGateway | undefined;
  /** Replaces the configured clients, users and APIs, which `reset` restores. @throws {InputError} they are not valid */
  configure(entries: Entries): Promise<void>;
  /** Does what `reset` does, except for the store. */
  restore(): Promise<void>;
  /** Ends every wait: delayed calls continue, and callers that wait for a recorded request get none. */
  release(): void;
}

export interface IssuerOptions extends Pick<CollectionsOptions, 'check'> {
  /** The current issuer identifier. Its path does not change. */
  readonly issuer: () => string;
  readonly entries: Entries;
  /** Whether requests are recorded and faults injected. */
  readonly intercepted: boolean;
  /** Whether it accepts every client, scope and API. */
  readonly permissive: boolean;
}

export interface IssuerDependencies {
  /** This issuer's partition of the store. */
  readonly store: TokenStore;
  readonly clock: ManagedClock;
  /** Receives unexpected errors. */
  readonly log: { error(fields: object, message: string): void };
  readonly authorizationServer: AuthorizationServer;
  readonly controls: Controls;
  /** Calls the servers of this Tallystick. */
  readonly fetch: typeof globalThis.fetch;
  /** Base URL of the APIs of this issuer at the gateway, if this process has one. */
  readonly gatewayUrl: () => string | undefined;
  readonly tenantGateway?: TenantGateway | undefined;
  readonly locate?: CollectionsOptions['locate'];
  /** Makes everything that depends on the clients, users and APIs use other ones. @throws {InputError} they are not valid */
  readonly replace: CollectionsOptions['replace'];
}

/** Adds the test controls to an authorization server. */
export function createIssuer(options: IssuerOptions, dependencies: IssuerDependencies): ManagedIssuer {
  const { issuer, entries, check, intercepted, permissive } = options;
  const { store, clock, log, authorizationServer, fetch, gatewayUrl, tenantGateway } = dependencies;
  const mountPath = mountPathOf(issuer());
  const { controls } = dependencies;
  const { faults, scriptedAnswers, hooks, requests, calls } = controls;
  const { clients, users, apis, routes, ...collections } = createCollections(entries, {
    check,
    locate: dependencies.locate,
    async replace(changed) {
      await dependencies.replace(changed);
      forgetTokens();
    },
  });
  const { handler, keys, backchannelRequests } = authorizationServer;
  const known = () => ({ apis: apis.list(), clients: clients.list(), users: users.list(), permissive });
  const { token, ...tokenVerbs } = createTokenVerbs({ authorizationServer, clock, known });
  const { forgetTokens, ...gatewayVerbs } = createGatewayVerbs({
    ...{ issuer, gatewayUrl, token, clock, fetch },
    routes: () => routes.list(),
  });

  async function restore(): Promise<void> {
    controls.clear();
    forgetTokens();
    await collections.reset();
  }

  return {
    controls: {
      get issuer() {
        return issuer();
      },
      get gatewayUrl() {
        return gatewayUrl();
      },
      faults,
      scriptedAnswers,
      hooks,
      requests,
      calls,
      clients,
      users,
      apis,
      routes,
      keys,
      backchannelRequests: {
        pending: (user) => clock.run(() => backchannelRequests.pending(user)),
        approve: (request) => clock.run(() => backchannelRequests.approve(request)),
        deny: (request) => clock.run(() => backchannelRequests.deny(request)),
      },
      token,
      ...tokenVerbs,
      ...createSignInVerbs({ issuer, known, fetch }),
      ...gatewayVerbs,
      async revoke(given) {
        forgetTokens();
        return tokenVerbs.revoke(given);
      },
      async rotateKeys(given = {}) {
        forgetTokens();
        try {
          return await clock.run(() => keys.rotate({ announceFor: 0, ...given }));
        } catch (error) {
          throw error instanceof WrongKeyError ? new InputError('key', error.message) : error;
        }
      },
      async reset() {
        const startedAt = performance.now();
        await restore();
        await store.clear();
        return { milliseconds: performance.now() - startedAt };
      },
    },
    handler: intercepted
      ? intercept(handler, { faults, scriptedAnswers, hooks, requests, clock, log, mountPath })
      : handler,
    gateway: tenantGateway,
    configure: collections.configure,
    restore,
    release: controls.close,
  };
}

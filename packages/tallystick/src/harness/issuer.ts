import type { RequestListener } from 'node:http';
import { performance } from 'node:perf_hooks';
import {
  type AuthorizationServer,
  type BackchannelRequests,
  type IssuedToken,
  mountPathOf,
  type SigningKeys,
  type TokenRequest,
  TokenRequestError,
} from '@tallystick/authorization-server';
import type { TokenStore } from '@tallystick/token-store';
import type { RunningClock } from './clock/create_clock.ts';
import { type Collections, type CollectionsOptions, createCollections, type Entries } from './collections.ts';
import { createFaults, type Faults } from './faults/create_faults.ts';
import { createScriptedAnswers, type ScriptedAnswers } from './faults/create_scripted_answers.ts';
import { provoke } from './faults/provoke.ts';
import { checkInput, InputError } from './input_error.ts';
import { createRecordedRequests, type RecordedRequests } from './requests/create_recorded_requests.ts';
import { tokenRequestSchema } from './token_request_schema.ts';

/** What a test may do to one issuer, the first one or a tenant. No other issuer notices. */
export interface Issuer extends Pick<Collections, 'clients' | 'users' | 'apis'> {
  /** Issuer identifier, and base URL of its endpoints. */
  readonly issuer: string;
  readonly faults: Faults;
  readonly scriptedAnswers: ScriptedAnswers;
  readonly requests: RecordedRequests;
  /** The keys that sign: list them, or let another one take over. */
  readonly keys: SigningKeys;
  /** Decides what clients ask users for on the backchannel (CIBA). */
  readonly backchannelRequests: BackchannelRequests;
  /** Issues an access token without a flow, a good one or a broken one. @throws {InputError} */
  issueToken(request: TokenRequest): Promise<IssuedToken>;
  /**
   * Back to the configured state: clients, users and APIs as configured, no faults, scripted answers or recorded
   * requests, and a store that holds nothing of this issuer but its signing keys.
   *
   * @returns how long it took
   */
  reset(): Promise<{ milliseconds: number }>;
}

/** An issuer, as whoever runs it sees it. */
export interface RunningIssuer {
  readonly controls: Issuer;
  readonly handler: RequestListener;
  /** Takes other clients, users and APIs, to which `reset` goes back from now on. @throws {InputError} they cannot be used */
  configure(entries: Entries): Promise<void>;
  /** What `reset` does, but for the store. */
  restore(): Promise<void>;
  /** Keeps nobody waiting: calls that are held back go on, and who waits for a recorded request gets none. */
  letGo(): void;
}

export interface IssuerOptions extends Pick<CollectionsOptions, 'check'> {
  readonly issuer: string;
  readonly entries: Entries;
  /** Whether requests are recorded, and faults strike them. */
  readonly provokable: boolean;
}

export interface IssuerDependencies {
  /** The part of the store that is this issuer's. */
  readonly store: TokenStore;
  readonly clock: RunningClock;
  /** Is told what failed unexpectedly. */
  readonly log: { error(fields: object, message: string): void };
  readonly authorizationServer: AuthorizationServer;
  /** Lets what depends on the issuer's clients, users and APIs use others. @throws {InputError} it cannot */
  readonly replace: CollectionsOptions['replace'];
}

/** Puts what tests may do around an authorization server. */
export function createIssuer(options: IssuerOptions, dependencies: IssuerDependencies): RunningIssuer {
  const { issuer, entries, check, provokable } = options;
  const { store, clock, log, authorizationServer, replace } = dependencies;
  const mountPath = mountPathOf(issuer);
  const faults = createFaults();
  const scriptedAnswers = createScriptedAnswers();
  const requests = createRecordedRequests({ now: clock.now, mountPath });
  const { clients, users, apis, ...collections } = createCollections(entries, { check, replace });
  const { handler, backchannelRequests } = authorizationServer;

  function forget(): void {
    faults.clear();
    scriptedAnswers.clear();
    requests.clear();
  }

  async function restore(): Promise<void> {
    forget();
    await collections.reset();
  }

  return {
    controls: {
      issuer,
      faults,
      scriptedAnswers,
      requests,
      clients,
      users,
      apis,
      keys: authorizationServer.keys,
      backchannelRequests: {
        pending: (user) => clock.run(() => backchannelRequests.pending(user)),
        approve: (request) => clock.run(() => backchannelRequests.approve(request)),
        deny: (request) => clock.run(() => backchannelRequests.deny(request)),
      },
      async issueToken(request) {
        const checked = checkInput(tokenRequestSchema, request);
        try {
          return await clock.run(() => authorizationServer.issueToken(checked));
        } catch (error) {
          if (error instanceof TokenRequestError) throw new InputError(error.path, error.message);
          throw error;
        }
      },
      async reset() {
        const began = performance.now();
        await restore();
        await store.clear();
        return { milliseconds: performance.now() - began };
      },
    },
    handler: provokable ? provoke(handler, { faults, scriptedAnswers, requests, clock, log, mountPath }) : handler,
    configure: collections.configure,
    restore,
    letGo() {
      forget();
      requests.close();
    },
  };
}

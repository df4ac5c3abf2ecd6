import type { RequestListener } from 'node:http';
import { performance } from 'node:perf_hooks';
import {
  type AuthorizationServer,
  type BackchannelRequests,
  DEFECTS,
  type IssuedToken,
  mountPathOf,
  type SigningKeys,
  type TokenRequest,
  TokenRequestError,
} from '@tallystick/authorization-server';
import type { TokenStore } from '@tallystick/token-store';
import { z } from 'zod';
import type { ManagedClock } from './clock/create_clock.ts';
import { type Collections, type CollectionsOptions, createCollections, type Entries } from './collections.ts';
import { createFaults, type Faults } from './faults/faults.ts';
import { intercept } from './faults/intercept.ts';
import { createScriptedAnswers, type ScriptedAnswers } from './faults/scripted_answers.ts';
import { checkInput, InputError } from './input_error.ts';
import { createRecordedRequests, type RecordedRequests } from './requests/create_recorded_requests.ts';

/** Request for an access token without a flow. */
export const tokenRequestSchema = z.strictObject({
  client: z.string().min(1).describe('The client that gets the token.'),
  user: z
    .string()
    .min(1)
    .optional()
    .describe('The user that the token is about. Default: none, the token is about the client.'),
  api: z
    .string()
    .min(1)
    .optional()
    .describe('Resource indicator. Default: none, the token is for the userinfo endpoint.'),
  scopes: z.array(z.string().min(1)).optional(),
  claims: z.record(z.string(), z.unknown()).optional().describe('Claims in addition to the configured ones.'),
  lifetime: z
    .int()
    .positive()
    .max(10 * 365 * 24 * 3600)
    .optional()
    .describe("Seconds. Default: the API's."),
  confirmation: z
    .union([z.strictObject({ jkt: z.string().min(1) }), z.strictObject({ 'x5t#S256': z.string().min(1) })])
    .optional()
    .describe('Key or certificate that the token is bound to (`cnf`, RFC 7800).'),
  defect: z.enum(DEFECTS).optional().describe('Defect that the token should have.'),
});

/** Test controls of one issuer: the first one or a tenant. They do not affect other issuers. */
export interface Issuer extends Pick<Collections, 'clients' | 'users' | 'apis'> {
  /** Issuer identifier and base URL of the endpoints. */
  readonly issuer: string;
  readonly faults: Faults;
  readonly scriptedAnswers: ScriptedAnswers;
  readonly requests: RecordedRequests;
  /** Lists and rotates the signing keys. */
  readonly keys: SigningKeys;
  /** Approves or denies backchannel requests (CIBA). */
  readonly backchannelRequests: BackchannelRequests;
  /** Issues an access token without a flow, optionally with a defect. @throws {InputError} */
  issueToken(request: TokenRequest): Promise<IssuedToken>;
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
  /** Replaces the configured clients, users and APIs, which `reset` restores. @throws {InputError} they are not valid */
  configure(entries: Entries): Promise<void>;
  /** Does what `reset` does, except for the store. */
  restore(): Promise<void>;
  /** Ends every wait: delayed calls continue, and callers that wait for a recorded request get none. */
  release(): void;
}

export interface IssuerOptions extends Pick<CollectionsOptions, 'check'> {
  readonly issuer: string;
  readonly entries: Entries;
  /** Whether requests are recorded and faults injected. */
  readonly intercepted: boolean;
}

export interface IssuerDependencies {
  /** This issuer's partition of the store. */
  readonly store: TokenStore;
  readonly clock: ManagedClock;
  /** Receives unexpected errors. */
  readonly log: { error(fields: object, message: string): void };
  readonly authorizationServer: AuthorizationServer;
  /** Makes everything that depends on the clients, users and APIs use other ones. @throws {InputError} they are not valid */
  readonly replace: CollectionsOptions['replace'];
}

/** Adds the test controls to an authorization server. */
export function createIssuer(options: IssuerOptions, dependencies: IssuerDependencies): ManagedIssuer {
  const { issuer, entries, check, intercepted } = options;
  const { store, clock, log, authorizationServer, replace } = dependencies;
  const mountPath = mountPathOf(issuer);
  const faults = createFaults();
  const scriptedAnswers = createScriptedAnswers();
  const requests = createRecordedRequests({ now: clock.now, mountPath });
  const { clients, users, apis, ...collections } = createCollections(entries, { check, replace });
  const { handler, backchannelRequests } = authorizationServer;

  function clearTestState(): void {
    faults.clear();
    scriptedAnswers.clear();
    requests.clear();
  }

  async function restore(): Promise<void> {
    clearTestState();
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
        const startedAt = performance.now();
        await restore();
        await store.clear();
        return { milliseconds: performance.now() - startedAt };
      },
    },
    handler: intercepted ? intercept(handler, { faults, scriptedAnswers, requests, clock, log, mountPath }) : handler,
    configure: collections.configure,
    restore,
    release() {
      clearTestState();
      requests.close();
    },
  };
}

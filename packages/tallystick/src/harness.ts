import { performance } from 'node:perf_hooks';
import {
  type AuthorizationServer,
  type BackchannelRequests,
  DEFECTS,
  type IssuedToken,
  type SigningKeys,
  type TokenRequest,
  TokenRequestError,
} from '@tallystick/authorization-server';
import type { TokenStore } from '@tallystick/token-store';
import { z } from 'zod';
import type { Clock } from './clock/create_clock.ts';
import type { Collections } from './collections.ts';
import type { Faults } from './faults/create_faults.ts';
import type { ScriptedAnswers } from './faults/create_scripted_answers.ts';
import type { Provocations } from './faults/provoke.ts';
import { checkInput, InputError } from './input_error.ts';
import type { RecordedRequests } from './requests/create_recorded_requests.ts';
import type { Tenants } from './tenants.ts';

/** What a test may do to a running Tallystick. The control API is the same over HTTP. */
export interface Harness extends Pick<Collections, 'clients' | 'users' | 'apis'> {
  readonly faults: Faults;
  readonly scriptedAnswers: ScriptedAnswers;
  readonly requests: RecordedRequests;
  readonly clock: Clock;
  /** The keys that sign: list them, or let another one take over. */
  readonly keys: SigningKeys;
  /** Further issuers, made and removed at run time, so that parallel tests never meet. */
  readonly tenants: Tenants;
  /** Decides what clients ask users for on the backchannel (CIBA). */
  readonly backchannelRequests: BackchannelRequests;
  /** Issues an access token without a flow, a good one or a broken one. @throws {InputError} */
  issueToken(request: TokenRequest): Promise<IssuedToken>;
  /**
   * Back to the configured state: clients, users, APIs and tenants as configured, no faults, scripted answers or
   * recorded requests, real time, and a store that holds nothing but the signing keys. On Redis that is everything
   * under this installation's prefix.
   *
   * @returns how long it took
   */
  reset(): Promise<{ milliseconds: number }>;
}

export const tokenRequestSchema = z.strictObject({
  client: z.string().min(1).describe('The client that it is for.'),
  user: z.string().min(1).optional().describe("Whose token it is. Default: the client's own."),
  api: z.string().min(1).optional().describe('Resource indicator. Without one the token is for userinfo.'),
  scopes: z.array(z.string().min(1)).optional(),
  claims: z.record(z.string(), z.unknown()).optional().describe('Beside those that the configuration names.'),
  lifetime: z
    .int()
    .positive()
    .max(10 * 365 * 24 * 3600)
    .optional()
    .describe("Seconds. Default: the API's."),
  confirmation: z
    .union([z.strictObject({ jkt: z.string().min(1) }), z.strictObject({ 'x5t#S256': z.string().min(1) })])
    .optional()
    .describe('What it is bound to (`cnf`, RFC 7800).'),
  defect: z.enum(DEFECTS).optional().describe('What is to be wrong with it.'),
});

export interface HarnessDependencies extends Provocations {
  readonly store: TokenStore;
  readonly authorizationServer: AuthorizationServer;
  readonly collections: Collections;
  readonly tenants: Tenants;
}

export function createHarness(dependencies: HarnessDependencies): Harness {
  const { faults, scriptedAnswers, requests, clock, store, authorizationServer, collections, tenants } = dependencies;
  const { clients, users, apis } = collections;
  return {
    faults,
    scriptedAnswers,
    requests,
    clock,
    clients,
    users,
    apis,
    keys: authorizationServer.keys,
    tenants,
    backchannelRequests: authorizationServer.backchannelRequests,
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
      faults.clear();
      scriptedAnswers.clear();
      requests.clear();
      clock.reset();
      await collections.reset();
      tenants.reset();
      await store.clear();
      return { milliseconds: performance.now() - began };
    },
  };
}

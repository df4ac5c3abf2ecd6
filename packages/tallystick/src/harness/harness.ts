import { performance } from 'node:perf_hooks';
import { issuerIdentifier } from '@tallystick/common/config';
import type { TokenStore } from '@tallystick/token-store';
import { z } from 'zod';
import type { Clock } from './clock/create_clock.ts';
import type { Issuer, ManagedIssuer } from './issuer.ts';
import type { ManagedTenants, Tenants } from './tenants.ts';

/** The input of {@link Harness.setIssuer} over HTTP. */
export const newIssuerSchema = z.strictObject({
  issuer: issuerIdentifier.describe('Issuer identifier, with the path of the configured issuer.'),
});

/** Test controls of a running Tallystick: of its first issuer, of its tenants, and of the whole. The control API offers them over HTTP. */
export interface Harness extends Issuer {
  /** Further issuers that are created and removed at run time, so that parallel tests do not affect each other. */
  readonly tenants: Tenants;
  readonly clock: Clock;
  /**
   * Gives the first issuer another name, for example when the port that clients use is known only after the start. Tenants that are
   * created later are below it. JWTs of the previous name are no longer valid. `reset` does not change it.
   *
   * @param issuer a URL with the path of the configured issuer
   * @throws {InputError} the server cannot have this issuer; nothing changed
   */
  setIssuer(issuer: string): Promise<void>;
  /**
   * Restores the configured state of all issuers: clients, users, APIs and tenants as configured; no faults, scripted answers or
   * recorded requests; real time; and nothing in the store but the signing keys. On Redis this deletes every other key of this
   * installation.
   *
   * @returns the time it took
   */
  reset(): Promise<{ milliseconds: number }>;
}

export interface HarnessDependencies {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly first: ManagedIssuer;
  readonly tenants: ManagedTenants;
  readonly setIssuer: Harness['setIssuer'];
}

export function createHarness({ store, clock, first, tenants, setIssuer }: HarnessDependencies): Harness {
  return {
    ...first.controls,
    get issuer() {
      return first.controls.issuer;
    },
    setIssuer,
    tenants,
    clock,
    async reset() {
      const startedAt = performance.now();
      clock.reset();
      await Promise.all([first.restore(), tenants.restore()]);
      await store.clear();
      return { milliseconds: performance.now() - startedAt };
    },
  };
}

import { performance } from 'node:perf_hooks';
import type { TokenStore } from '@tallystick/token-store';
import type { Clock } from './clock/create_clock.ts';
import type { Issuer, ManagedIssuer } from './issuer.ts';
import type { ManagedTenants, Tenants } from './tenants.ts';

/** Test controls of a running Tallystick: of its first issuer, of its tenants, and of the whole. The control API offers them over HTTP. */
export interface Harness extends Issuer {
  /** Further issuers that are created and removed at run time, so that parallel tests do not affect each other. */
  readonly tenants: Tenants;
  readonly clock: Clock;
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
}

export function createHarness({ store, clock, first, tenants }: HarnessDependencies): Harness {
  return {
    ...first.controls,
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

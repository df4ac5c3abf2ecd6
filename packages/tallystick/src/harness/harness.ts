import { performance } from 'node:perf_hooks';
import type { TokenStore } from '@tallystick/token-store';
import type { Clock } from './clock/create_clock.ts';
import type { Issuer, RunningIssuer } from './issuer.ts';
import type { RunningTenants, Tenants } from './tenants.ts';

/** What a test may do to a running Tallystick: to its first issuer, to its tenants, and to all. The control API is the same over HTTP. */
export interface Harness extends Issuer {
  /** Further issuers, made and removed at run time, so that parallel tests never meet. */
  readonly tenants: Tenants;
  readonly clock: Clock;
  /**
   * Back to the configured state, all issuers at once: clients, users, APIs and tenants as configured, no faults, scripted
   * answers or recorded requests, real time, and a store that holds nothing but the signing keys. On Redis that is
   * every key of this installation.
   *
   * @returns how long it took
   */
  reset(): Promise<{ milliseconds: number }>;
}

export interface HarnessDependencies {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly first: RunningIssuer;
  readonly tenants: RunningTenants;
}

export function createHarness({ store, clock, first, tenants }: HarnessDependencies): Harness {
  return {
    ...first.controls,
    tenants,
    clock,
    async reset() {
      const began = performance.now();
      clock.reset();
      await Promise.all([first.restore(), tenants.restore()]);
      await store.clear();
      return { milliseconds: performance.now() - began };
    },
  };
}

import type { TokenStore } from '@tallystick/token-store';
import { type Controls, type ControlsOptions, createControls } from '../../harness/controls.ts';
import { withStoreFaults } from '../../harness/faults/faulty_store.ts';

/** The controls of an issuer, and its partition of the store without and with the faults of tests. */
export interface IssuerParts {
  readonly controls: Controls;
  readonly store: TokenStore;
  readonly faultyStore: TokenStore;
}

export function issuerParts({ store, ...options }: ControlsOptions & { readonly store: TokenStore }): IssuerParts {
  const controls = createControls(options);
  return { controls, store, faultyStore: withStoreFaults(store, controls.faults) };
}

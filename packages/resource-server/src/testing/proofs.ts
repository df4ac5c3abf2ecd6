import { createProver, type Prover } from '@tallystick/testing/dpop_prover';
import { createProofCheck, type DPoPOptions } from '../dpop/check_proof.ts';
import { createDPoPNonces } from '../dpop/nonces.ts';
import { createReplayMemory } from '../dpop/replay_memory.ts';

export const uri = 'https://api.example.com/orders/1';
export const heldToken = 'a-client-held-token';
/** The time at which the proofs are made, in seconds since the epoch. */
export const provedAt = 1_700_000_000;

export interface OrdersClient extends Omit<Prover, 'proof'> {
  /** Makes a proof for a GET of `uri` with `heldToken`; `undefined` omits a claim or header parameter. */
  proof(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** A client that reads an order, with a key of its own. */
export async function createOrdersClient(alg?: string): Promise<OrdersClient> {
  const prover = await createProver(() => provedAt * 1000, alg);
  return { ...prover, proof: (claims, header) => prover.proof(uri, heldToken, claims, header) };
}

/**
 * A proof check that remembers all proofs it saw. Its clock shows `provedAt` until a test moves it.
 *
 * @param thumbprint of the key that the token is bound to
 */
export function setUpCheck(thumbprint: string, options: DPoPOptions = {}, nonceSecret?: string) {
  const clock = { seconds: provedAt };
  const now = () => clock.seconds * 1000;
  const useOnce = createReplayMemory({ maxEntries: 1000 }, { now });
  const nonces = nonceSecret === undefined ? undefined : createDPoPNonces({ secret: nonceSecret }, { now });
  const check = createProofCheck(options, { useOnce, nonces, now });
  const present = (proofs: string | readonly string[], expected: object = {}) =>
    check(
      { rawHeaders: ['Host', 'api.example.com', ...[proofs].flat().flatMap((proof) => ['DPoP', proof])] },
      { method: 'GET', uri, token: heldToken, thumbprint, ...expected },
    );
  return { clock, nonces, present };
}

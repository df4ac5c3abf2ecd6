import { createProofCheck, type DPoPOptions } from '../dpop/check_proof.ts';
import { createDPoPNonces } from '../dpop/nonces.ts';
import { createReplayMemory } from '../dpop/replay_memory.ts';
import { heldToken, provedAt, uri } from './prover.ts';

/**
 * A check at the moment of the tests, or later when they move the clock, with the memory of all that it saw.
 *
 * @param thumbprint what the token is bound to
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

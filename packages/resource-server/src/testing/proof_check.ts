import { createProofCheck, type DPoPOptions } from '../dpop/check_proof.ts';
import { createDPoPNonces } from '../dpop/nonces.ts';
import { createReplayMemory } from '../dpop/replay_memory.ts';
import { heldToken, provedAt, uri } from './prover.ts';

/**
 * A proof check with its own record of used proofs, and a clock that the test sets.
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

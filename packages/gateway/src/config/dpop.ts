import { seconds } from '@tallystick/common/config';
import { defaultDPoPAlgorithms } from '@tallystick/resource-server';
import { z } from 'zod';

const nonce = z.enum(['required', 'off']);

export const gatewayDPoP = z.strictObject({
  algorithms: z
    .array(z.enum(defaultDPoPAlgorithms))
    .min(1)
    .default([...defaultDPoPAlgorithms])
    .describe('Accepted JWS algorithms of proofs.'),
  maxAge: seconds.default(60).describe('Seconds after its `iat` during which a proof without a nonce is accepted.'),
  clockTolerance: z.int().min(0).default(5).describe('Seconds that `iat` may be in the future.'),
  nonce: nonce.default('off').describe('Whether proofs must contain a nonce from the gateway (RFC 9449 section 9).'),
  replay: z
    .enum(['store', 'memory'])
    .default('store')
    .describe(
      'Where used proofs are remembered. `store` shares them between all gateways on the store. With `memory`, each gateway accepts a proof once.',
    ),
});

export const routeDPoP = z.strictObject({
  required: z.boolean().default(false).describe('Refuses access tokens that are not bound to a DPoP key.'),
  forward: z
    .boolean()
    .default(false)
    .describe(
      'Sends the token to the API under the scheme DPoP together with the proof, or with the client certificate, so that the API can check them itself. Not for phantom. With opaque, the gateway always does this.',
    ),
  nonce: nonce.optional().describe('Whether proofs must contain a nonce. Default: as for the gateway.'),
});

import { seconds } from '@tallystick/common/config';
import { defaultDPoPAlgorithms } from '@tallystick/resource-server';
import { z } from 'zod';

const nonce = z.enum(['required', 'off']);

export const gatewayDPoP = z.strictObject({
  algorithms: z
    .array(z.enum(defaultDPoPAlgorithms))
    .min(1)
    .default([...defaultDPoPAlgorithms])
    .describe('JWS algorithms of proofs.'),
  maxAge: seconds.default(60).describe('Seconds after its `iat` for which a proof without a nonce is taken.'),
  clockTolerance: z.int().min(0).default(5).describe('Seconds by which `iat` may be ahead.'),
  nonce: nonce.default('off').describe('Whether proofs must carry a nonce (RFC 9449 section 9).'),
  replay: z
    .enum(['store', 'memory'])
    .default('store')
    .describe(
      'Where proofs that were used are remembered: in the store, for all gateways on it, or in each gateway for itself, where each takes a proof once.',
    ),
});

export const routeDPoP = z.strictObject({
  required: z.boolean().default(false).describe('The API takes no token that is not bound to a DPoP key.'),
  forward: z
    .boolean()
    .default(false)
    .describe(
      'The API gets the token under DPoP with the proof, and the client certificate, to check for itself. Not for phantom; opaque always does.',
    ),
  nonce: nonce.optional().describe('Whether proofs must carry a nonce. Default: as for the gateway.'),
});

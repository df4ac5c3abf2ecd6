import { WrongKeyError } from '@tallystick/authorization-server';
import { signingAlgorithm } from '@tallystick/common/config';
import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { InputError } from '../harness/input_error.ts';
import { issuerRoutes } from './issuer_route.ts';
import type { Route } from './route.ts';

const signingKeys = z.object({
  keys: z.array(
    z.object({
      kid: z.string(),
      algorithm: signingAlgorithm,
      status: z.enum(['announced', 'signing', 'retired']),
      announcedAt: z.int().describe('Epoch milliseconds.'),
      signsFrom: z.int().describe('Epoch milliseconds.'),
      publishedUntil: z.int().optional().describe('Epoch milliseconds.'),
    }),
  ),
});

const rotation = z.strictObject({
  announceFor: z
    .int()
    .min(0)
    .max(24 * 60 * 60 * 1000)
    .optional()
    .describe('Milliseconds for which the key is in the JWKS before it signs. Default: 10,000.'),
  algorithm: signingAlgorithm
    .optional()
    .describe('Whose key is to change. Default: authorizationServer.signingAlgorithm.'),
  key: z
    .union([z.string().min(1), z.looseObject({ kty: z.string() })])
    .optional()
    .describe('The private key that takes over, as PEM (PKCS #8) or JWK. Default: a new one.'),
});

export function keyRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/keys',
      operationId: 'listKeys',
      summary: 'The keys in the JWKS, of each algorithm the one that signs first',
      answers: { 200: { description: 'No private part is shown', schema: signingKeys } },
      handle: async ({ issuer }) => ({ status: 200, body: { keys: await issuer.keys.list() } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/keys/rotation',
      operationId: 'rotateKeys',
      summary: 'Announce a key that will sign',
      body: rotation,
      answers: { 201: { description: 'The keys, the new one among them', schema: signingKeys } },
      async handle({ issuer, body: { announceFor, algorithm, key } }) {
        const options = {
          ...(announceFor !== undefined && { announceFor }),
          ...(algorithm !== undefined && { algorithm }),
          ...(key !== undefined && { key }),
        };
        try {
          return { status: 201, body: { keys: await issuer.keys.rotate(options) } };
        } catch (error) {
          if (error instanceof WrongKeyError) throw new InputError('key', error.message);
          throw error;
        }
      },
    }),
  ];
}

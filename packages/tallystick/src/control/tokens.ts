import { WrongKeyError } from '@tallystick/authorization-server';
import { signingAlgorithm } from '@tallystick/common/config';
import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { InputError } from '../harness/input_error.ts';
import { tokenRequestSchema } from '../harness/issuer.ts';
import { issuerRoutes, type Route } from './route.ts';

const issuedToken = z.object({
  accessToken: z.string().describe('The token that the client holds.'),
  jwt: z.string().optional().describe('The JWT that the API gets.'),
  tokenType: z.enum(['Bearer', 'DPoP']),
  expiresAt: z.int().describe('Epoch seconds.'),
});

export function tokenRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'POST',
      path: '/tokens',
      operationId: 'issueToken',
      summary: 'Issue an access token without a flow, optionally with a defect',
      body: tokenRequestSchema,
      answers: { 201: { description: 'The token', schema: issuedToken } },
      handle: async ({ issuer, body }) => ({ status: 201, body: await issuer.issueToken(body) }),
    }),
  ];
}

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
    .describe('Milliseconds for which the new key is published in the JWKS before it signs. Default: 10,000.'),
  algorithm: signingAlgorithm
    .optional()
    .describe('Algorithm whose key is replaced. Default: authorizationServer.signingAlgorithm.'),
  key: z
    .union([z.string().min(1), z.looseObject({ kty: z.string() })])
    .optional()
    .describe('The new private key, as PEM (PKCS #8) or JWK. Default: a generated key.'),
});

export function keyRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/keys',
      operationId: 'listKeys',
      summary: 'List the keys in the JWKS; the signing key of each algorithm comes first',
      answers: { 200: { description: 'The keys, without private parts', schema: signingKeys } },
      handle: async ({ issuer }) => ({ status: 200, body: { keys: await issuer.keys.list() } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/keys/rotation',
      operationId: 'rotateKeys',
      summary: 'Publish a new key that will sign after a delay',
      body: rotation,
      answers: { 201: { description: 'All keys, including the new one', schema: signingKeys } },
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

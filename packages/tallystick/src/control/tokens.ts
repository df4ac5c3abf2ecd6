import { signingAlgorithm } from '@tallystick/common/config';
import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { heldTokenSchema, signInRequestSchema, tokenRequestSchema } from '../harness/tokens/token_request.ts';
import { issuerRoutes, type Route } from './route.ts';

const issuedToken = z.object({
  accessToken: z.string().describe('The token that the client holds.'),
  jwt: z.string().optional().describe('The JWT that the API gets.'),
  tokenType: z.enum(['Bearer', 'DPoP']),
  expiresAt: z.int().describe('Epoch seconds.'),
  key: z.string().describe('The token key: BASE64URL(SHA-256(access token)), as in logs and traces.'),
});

const signedIn = z.object({
  accessToken: z.string(),
  tokenType: z.string(),
  expiresIn: z.int().optional().describe('Seconds.'),
  scopes: z.array(z.string()),
  idToken: z.string().optional(),
  refreshToken: z.string().optional(),
});

export function tokenRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'POST',
      path: '/tokens',
      operationId: 'token',
      summary: 'Issue an access token without a flow, optionally with a defect',
      body: tokenRequestSchema,
      answers: {
        201: { description: 'The token', schema: issuedToken },
        422: { description: 'A hook of a test failed' },
      },
      handle: async ({ issuer, body }) => ({ status: 201, body: await issuer.token(body) }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/sign-ins',
      operationId: 'signIn',
      summary: 'Sign a user in without a browser, with the authorization code flow',
      body: signInRequestSchema,
      answers: {
        201: { description: 'What the client got', schema: signedIn },
        422: { description: 'The authorization server refused the sign-in' },
      },
      handle: async ({ issuer, body }) => ({ status: 201, body: await issuer.signIn(body) }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/id-tokens',
      operationId: 'idToken',
      summary: 'Sign a user in and get the ID token',
      body: signInRequestSchema,
      answers: {
        201: { description: 'The ID token', schema: z.object({ idToken: z.string() }) },
        422: { description: 'The authorization server refused the sign-in' },
      },
      handle: async ({ issuer, body }) => ({ status: 201, body: { idToken: await issuer.idToken(body) } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/refresh-tokens',
      operationId: 'refreshToken',
      summary: 'Sign a user in and get the refresh token',
      body: signInRequestSchema,
      answers: {
        201: { description: 'The refresh token', schema: z.object({ refreshToken: z.string() }) },
        422: { description: 'The authorization server refused the sign-in' },
      },
      handle: async ({ issuer, body }) => ({ status: 201, body: { refreshToken: await issuer.refreshToken(body) } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/tokens/revocation',
      operationId: 'revoke',
      summary: 'Revoke an access token or a refresh token',
      body: heldTokenSchema,
      answers: {
        200: { description: 'Whether the token was active', schema: z.object({ revoked: z.boolean() }) },
        409: { description: 'A token of the style `jwt` cannot be revoked' },
      },
      handle: async ({ issuer, body }) => ({ status: 200, body: { revoked: await issuer.revoke(body.token) } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/tokens/expiry',
      operationId: 'expire',
      summary: 'Move the clock to the moment at which a token expires',
      body: heldTokenSchema,
      answers: {
        204: { description: 'The token has expired' },
        409: { description: 'The clock cannot be moved, because the store is not the memory store' },
      },
      async handle({ issuer, body }) {
        await issuer.expire(body.token);
        return { status: 204 };
      },
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
    .describe('Milliseconds for which the new key is published in the JWKS before it signs. Default: 0.'),
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
      summary: 'Replace the signing key, at once or after a delay',
      body: rotation,
      answers: { 201: { description: 'All keys, including the new one', schema: signingKeys } },
      async handle({ issuer, body: { announceFor, algorithm, key } }) {
        const options = {
          ...(announceFor !== undefined && { announceFor }),
          ...(algorithm !== undefined && { algorithm }),
          ...(key !== undefined && { key }),
        };
        return { status: 201, body: { keys: await issuer.rotateKeys(options) } };
      },
    }),
  ];
}

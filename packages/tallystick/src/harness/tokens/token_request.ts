import { DEFECTS } from '@tallystick/authorization-server';
import { z } from 'zod';

const client = z
  .string()
  .min(1)
  .optional()
  .describe('The client. Default: the first one that may use this grant, or else the first one.');
const api = z
  .string()
  .min(1)
  .optional()
  .describe('Resource indicator. Default: the only API, unless `scopes` are those of OpenID Connect.');
const claims = z.record(z.string(), z.unknown()).optional();

/** Request for an access token without a flow. */
export const tokenRequestSchema = z.strictObject({
  user: z
    .string()
    .min(1)
    .optional()
    .describe('The user, configured or not. Default: none, the token is about the client.'),
  client,
  api,
  scopes: z
    .array(z.string().min(1))
    .optional()
    .describe('Default: all scopes of the API; `openid` for a token without an API.'),
  claims: claims.describe('Claims in addition to the configured ones.'),
  expiresIn: z
    .int()
    .positive()
    .max(10 * 365 * 24 * 3600)
    .optional()
    .describe("Seconds. Default: the API's lifetime."),
  confirmation: z
    .union([z.strictObject({ jkt: z.string().min(1) }), z.strictObject({ 'x5t#S256': z.string().min(1) })])
    .optional()
    .describe('Key or certificate that the token is bound to (`cnf`, RFC 7800).'),
  defect: z.enum(DEFECTS).optional().describe('Defect that the token should have.'),
});

/** Request for a sign-in with the authorization code flow. */
export const signInRequestSchema = z.strictObject({
  user: z.string().min(1).optional().describe('The user, configured or not. Default: the first configured one.'),
  client,
  api,
  scopes: z.array(z.string().min(1)).optional().describe('Default: `openid` and all scopes of the API.'),
  claims: claims.describe('Claims that the user adds at the login page.'),
  redirectUri: z.url().optional().describe('Default: the first one of the client.'),
  parameters: z
    .record(z.string(), z.string())
    .default({})
    .describe('More parameters of the authorization request, such as `acr_values`.'),
});

export const heldTokenSchema = z.strictObject({
  token: z.string().min(1).describe('The token, as the client holds it.'),
});

export type TokenRequest = z.input<typeof tokenRequestSchema>;
export type SignInRequest = z.input<typeof signInRequestSchema>;

import { DEFECTS } from '@tallystick/authorization-server';
import { z } from 'zod';

/** Which access token to issue without a flow. */
export const tokenRequestSchema = z.strictObject({
  client: z.string().min(1).describe('The client that it is for.'),
  user: z.string().min(1).optional().describe("Whose token it is. Default: the client's own."),
  api: z.string().min(1).optional().describe('Resource indicator. Without one the token is for userinfo.'),
  scopes: z.array(z.string().min(1)).optional(),
  claims: z.record(z.string(), z.unknown()).optional().describe('Beside those that the configuration names.'),
  lifetime: z
    .int()
    .positive()
    .max(10 * 365 * 24 * 3600)
    .optional()
    .describe("Seconds. Default: the API's."),
  confirmation: z
    .union([z.strictObject({ jkt: z.string().min(1) }), z.strictObject({ 'x5t#S256': z.string().min(1) })])
    .optional()
    .describe('What it is bound to (`cnf`, RFC 7800).'),
  defect: z.enum(DEFECTS).optional().describe('What is to be wrong with it.'),
});

import { api, checkEntries, client, user } from '@tallystick/authorization-server/config';
import { refusing } from '@tallystick/common/config';
import { z } from 'zod';

/** First segments of paths that the authorization server itself serves. */
const TAKEN = [
  'auth',
  'token',
  'me',
  'session',
  'jwks',
  'interaction',
  'request',
  'reg',
  'device',
  'backchannel',
  'ciba',
  'healthz',
  'readyz',
];

/** An issuer of its own at `{issuer}/{id}`, with its own clients, users, keys and records. */
export const tenant = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, { error: 'expected letters, digits and hyphens' })
      .refine((id) => !TAKEN.includes(id), { error: 'expected a name that is no path of the authorization server' })
      .describe("The tenant's path: its issuer is {issuer}/{id}."),
    apis: z.array(api).min(1).describe('The APIs that it issues tokens for.'),
    clients: z.array(client).describe('Its clients.'),
    users: z.array(user).default([]).describe('Its users.'),
  })
  .superRefine((entries, context) => checkEntries(entries, refusing(context)));

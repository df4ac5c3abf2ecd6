import { authorizationServerConfig, checkEntries } from '@tallystick/authorization-server/config';
import { refusing } from '@tallystick/common/config';
import { z } from 'zod';

const { apis, clients, users, permissive, permissiveAccessTokens } = authorizationServerConfig.shape;

/** First path segments that the authorization server itself uses. */
const RESERVED = [
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
  'permissive',
  'healthz',
  'readyz',
];

/** A separate issuer at `{issuer}/{id}`, with its own APIs, clients, users, keys and records. */
export const tenant = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, { error: 'expected letters, digits and hyphens' })
      .refine((id) => !RESERVED.includes(id), {
        error: 'expected a name that the authorization server does not use as a path',
      })
      .describe('Path of the tenant. Its issuer is {issuer}/{id}.'),
    ...{ apis, clients, users, permissive, permissiveAccessTokens },
  })
  .superRefine((entries, context) => checkEntries(entries, refusing(context)));

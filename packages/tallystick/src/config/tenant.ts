import { authorizationServerConfig, checkEntries, OWN_SEGMENTS } from '@tallystick/authorization-server/config';
import { refusing } from '@tallystick/common/config';
import { gateway } from '@tallystick/gateway/config';
import { z } from 'zod';
import { apisSchema } from './apis.ts';
import { findIneffectivePermissive } from './ineffective_permissive.ts';

const { clients, users, permissive, permissiveAccessTokens, permissiveUser } = authorizationServerConfig.shape;

/** A separate issuer at `{issuer}/{id}`, with its own APIs, clients, users, keys and records. */
export const tenant = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: 'expected letters, digits, hyphens and underscores' })
      .refine((id) => !OWN_SEGMENTS.includes(id), {
        error: 'expected a name that the authorization server does not use as a path',
      })
      .describe('Path of the tenant. Its issuer is {issuer}/{id}.'),
    apis: apisSchema,
    clients: clients.optional().describe('The clients (RFC 6749 section 2). Default: as for the first issuer.'),
    users: users.unwrap().optional().describe('Users who can sign in. Default: as for the first issuer.'),
    routes: z
      .array(gateway.shape.routes.element)
      .optional()
      .describe(
        'Where the gateway serves each API of the tenant, below the path of the tenant. Default: as for `gateway.routes`.',
      ),
    ...{ permissive, permissiveAccessTokens, permissiveUser },
  })
  .superRefine(({ clients = [], users = [], ...entries }, context) => {
    const refuse = refusing(context);
    checkEntries({ ...entries, clients, users }, refuse);
    for (const name of findIneffectivePermissive(entries))
      refuse([name], 'expected this only with `permissive: true`', entries[name]);
  });

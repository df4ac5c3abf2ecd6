import { resource, scopes } from '@tallystick/common/config';
import { z } from 'zod';
import { GRANT_TYPES, type GrantName } from '../grants/grant_types.ts';
import { clientLifetimes } from './lifetimes.ts';

const grant = z.enum(Object.keys(GRANT_TYPES) as [GrantName]);

/** Metadata that a client entry has a field of its own for. */
const FIELD_OF = new Map([
  ['client_id', 'id'],
  ['client_secret', 'secret'],
  ['client_name', 'name'],
  ['grant_types', 'grants'],
  ['redirect_uris', 'redirectUris'],
  ['post_logout_redirect_uris', 'postLogoutRedirectUris'],
]);

/** Ways to authenticate without a secret of the client's. */
const SECRETLESS = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];

const metadata = z
  .record(z.string(), z.unknown())
  .superRefine((value, context) => {
    for (const name of Object.keys(value)) {
      const field = FIELD_OF.get(name);
      if (field)
        context.addIssue({ code: 'custom', path: [name], message: `expected it in \`${field}\``, input: name });
    }
  })
  .describe('Further client metadata by its RFC 7591 names, such as jwks or token_endpoint_auth_method.');

const tokenExchange = z.strictObject({
  from: z
    .array(resource)
    .default([])
    .describe('APIs that the client is: tokens that reach it there it may exchange. Its own tokens it always may.'),
  to: z.array(resource).default([]).describe('APIs that it may get tokens for.'),
  scopes: scopes.default([]).describe('Scopes that it may add to those of the subject token.'),
  impersonates: z
    .boolean()
    .default(false)
    .describe('May leave out the actor_token, and so get a token that does not tell who acts.'),
});

export const client = z
  .strictObject({
    id: z
      .string()
      .min(1)
      .meta({ description: 'The `client_id`.', examples: ['orders-web'] }),
    secret: z.string().min(1).optional().describe('Absent for a public client, and for one that has keys instead.'),
    name: z.string().optional().describe('Shown to users. Default: the id.'),
    grants: z
      .array(grant)
      .default([])
      .meta({
        description: 'The grants that it may use.',
        examples: [['authorization_code', 'refresh_token'], ['client_credentials']],
      }),
    redirectUris: z
      .array(z.url())
      .default([])
      .meta({
        description: 'Where users come back to. On 127.0.0.1 or [::1] any port matches (RFC 8252 section 7.3).',
        examples: [['https://app.example.com/callback']],
      }),
    postLogoutRedirectUris: z.array(z.url()).default([]).describe('Where users may be sent to after a logout.'),
    introspects: z
      .union([z.boolean(), z.array(resource).min(1)])
      .default(false)
      .meta({
        description:
          'May call the introspection endpoint: about all tokens, or only about access tokens for the APIs that are named here.',
        examples: [true, ['https://api.example.com/orders']],
      }),
    automaticLogin: z
      .strictObject({
        user: z.string().min(1).optional().describe('Who is signed in when the request has no login_hint.'),
      })
      .optional()
      .describe('Signs users in and consents without a page, for CI. prompt=login and prompt=consent still show it.'),
    tokenExchange: tokenExchange.optional().describe('What it may do with the token_exchange grant (RFC 8693).'),
    lifetimes: clientLifetimes.optional().describe('Where they are not those of the API and of `lifetimes`.'),
    data: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Of no meaning to the server; for the claims of access tokens.'),
    metadata: metadata.optional(),
  })
  .refine((value) => !value.grants.includes('authorization_code') || value.redirectUris.length > 0, {
    path: ['redirectUris'],
    error: 'expected at least one redirect URI for the authorization_code grant',
  })
  .refine((value) => !value.grants.includes('client_credentials') || canAuthenticate(value), {
    path: ['secret'],
    error: 'expected a secret for the client_credentials grant',
  })
  .refine((value) => !value.grants.includes('token_exchange') || canAuthenticate(value), {
    path: ['secret'],
    error: 'expected a secret for the token_exchange grant',
  })
  .refine((value) => value.grants.includes('token_exchange') === (value.tokenExchange !== undefined), {
    path: ['tokenExchange'],
    error: 'expected this with the token_exchange grant, and only with it',
  });

function canAuthenticate({ secret, metadata: { token_endpoint_auth_method: method } = {} }: ClientEntry): boolean {
  return secret !== undefined || SECRETLESS.includes(String(method));
}

interface ClientEntry {
  secret?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
}

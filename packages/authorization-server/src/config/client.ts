import { resource, scopes } from '@tallystick/common/config';
import { z } from 'zod';
import { findPatternProblem, isPattern } from '../clients/redirect_uri_pattern.ts';
import { GRANT_TYPES, type GrantName } from '../grants/grant_types.ts';
import { checkClientGrants } from './check_client_grants.ts';
import { clientLifetimes } from './lifetimes.ts';

const grant = z.enum(Object.keys(GRANT_TYPES) as [GrantName]);

/** RFC 7591 metadata that has its own field in a client entry. */
export const FIELD_OF = new Map([
  ['client_id', 'id'],
  ['client_secret', 'secret'],
  ['client_name', 'name'],
  ['grant_types', 'grants'],
  ['redirect_uris', 'redirectUris'],
  ['post_logout_redirect_uris', 'postLogoutRedirectUris'],
]);

/** Authentication methods that need no client secret. */
const SECRETLESS = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];

const metadata = z
  .record(z.string(), z.unknown())
  .superRefine((value, context) => {
    for (const name of Object.keys(value)) {
      const field = FIELD_OF.get(name);
      if (field)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `expected this value in the field \`${field}\``,
          input: name,
        });
    }
  })
  .describe('More client metadata under its RFC 7591 names, such as `jwks` or `token_endpoint_auth_method`.');

const tokenExchange = z.strictObject({
  from: z
    .array(resource)
    .default([])
    .describe(
      'APIs that this client is part of. It may exchange the tokens it receives there, and always its own tokens.',
    ),
  to: z.array(resource).default([]).describe('APIs for which it may get tokens.'),
  scopes: scopes.default([]).describe('Scopes that it may add to the scopes of the subject token.'),
  impersonates: z
    .boolean()
    .default(false)
    .describe('Allows requests without an actor_token. The new token then does not name the acting party.'),
});

export const client = z
  .strictObject({
    id: z
      .string()
      .min(1)
      .meta({ description: 'The `client_id`.', examples: ['orders-web'] }),
    secret: z
      .string()
      .min(1)
      .optional()
      .describe('The `client_secret`. Absent for a public client, and for a client that authenticates with keys.'),
    name: z.string().optional().describe('Name on the login and consent pages. Default: the id.'),
    grants: z
      .array(grant)
      .default([])
      .meta({
        description: 'Grants that the client may use.',
        examples: [['authorization_code', 'refresh_token'], ['client_credentials']],
      }),
    redirectUris: z
      .array(z.url())
      .default([])
      .meta({
        description:
          'Redirect URIs. They match exactly, except for the port of 127.0.0.1 and [::1] of native clients (RFC 8252 section 7.3).',
        examples: [['https://app.example.com/callback']],
      }),
    postLogoutRedirectUris: z.array(z.url()).default([]).describe('Redirect URIs for the time after a logout.'),
    insecureRedirectUriPatterns: z
      .boolean()
      .default(false)
      .describe(
        'Allows a `*` in redirect URIs, for one part of the host or the path: https://*.preview.example.com/callback. An attacker who controls one matching page can receive the codes of users.',
      ),
    applicationType: z
      .enum(['native', 'web'])
      .optional()
      .describe(
        'For a native client, the port of a redirect URI on 127.0.0.1 or [::1] is free (RFC 8252 section 7.3). Default: native with a private-use URI scheme, otherwise web.',
      ),
    pkce: z
      .enum(['required', 'optional'])
      .optional()
      .describe('Whether the client must use PKCE. Default: as `authorizationServer.pkce` says.'),
    consent: z
      .enum(['always', 'once', 'never'])
      .default('once')
      .describe('When users see the consent page: at every sign-in, once for each scope, or never.'),
    defaultApi: resource
      .optional()
      .describe('API of its requests without `resource` and `audience`. Default: `authorizationServer.defaultApi`.'),
    rotateRefreshTokens: z
      .boolean()
      .default(true)
      .describe('Each refresh replaces the refresh token (RFC 9700 section 4.14.2).'),
    introspects: z
      .union([z.boolean(), z.array(resource).min(1)])
      .default(false)
      .meta({
        description:
          'Allows the client to call the introspection endpoint: `true` for all tokens, or a list of APIs for their access tokens only.',
        examples: [true, ['https://api.example.com/orders']],
      }),
    automaticLogin: z
      .strictObject({
        user: z.string().min(1).optional().describe('User who is signed in when the request has no `login_hint`.'),
      })
      .optional()
      .describe(
        'Signs users in and gives consent without a page, for tests. `prompt=login` and `prompt=consent` still show the page.',
      ),
    tokenExchange: tokenExchange.optional().describe('Rules for the token_exchange grant (RFC 8693).'),
    lifetimes: clientLifetimes.optional().describe('Lifetimes that differ from those of the API and of `lifetimes`.'),
    data: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Free-form data for the claims of access tokens. The server does not interpret it.'),
    metadata: metadata.optional(),
  })
  .superRefine(checkPatterns)
  .superRefine(checkSector)
  .superRefine(checkClientGrants)
  .refine(({ secret, metadata }) => secret === undefined || metadata?.token_endpoint_auth_method !== 'none', {
    path: ['metadata', 'token_endpoint_auth_method'],
    error: 'expected a method that uses the secret, or no secret',
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
    error: 'expected this together with the token_exchange grant',
  });

function checkPatterns(entry: PatternEntry, context: z.RefinementCtx): void {
  const { insecureRedirectUriPatterns: allowed } = entry;
  const lists = ['redirectUris', 'postLogoutRedirectUris'] as const;
  for (const list of lists) {
    for (const [index, uri] of entry[list].entries()) {
      if (!isPattern(uri)) continue;
      const problem = allowed
        ? findPatternProblem(uri)
        : 'expected a URI without `*`: patterns need insecureRedirectUriPatterns';
      if (problem !== undefined)
        context.addIssue({ code: 'custom', path: [list, index], message: problem, input: uri });
    }
  }
  if (allowed && !lists.some((list) => entry[list].some(isPattern)))
    context.addIssue({
      code: 'custom',
      path: ['insecureRedirectUriPatterns'],
      message: 'expected this only with a `*` in redirectUris or postLogoutRedirectUris',
      input: allowed,
    });
}

/** The sector of a pairwise client is the host of its redirect URIs (OpenID Connect Core section 8.1). A pattern has no host. */
function checkSector({ redirectUris, metadata = {} }: SectorEntry, context: z.RefinementCtx): void {
  const { subject_type: type, sector_identifier_uri: sector } = metadata;
  if (type !== 'pairwise' || sector !== undefined) return;
  if (redirectUris.some((uri) => URL.parse(uri)?.host.includes('*')))
    context.addIssue({
      code: 'custom',
      path: ['metadata', 'sector_identifier_uri'],
      message: 'expected the URI that defines the sector: a `*` in the host of a redirect URI leaves it open',
      input: sector,
    });
}

interface SectorEntry {
  readonly redirectUris: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

interface PatternEntry {
  readonly insecureRedirectUriPatterns: boolean;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
}

function canAuthenticate({ secret, metadata: { token_endpoint_auth_method: method } = {} }: ClientEntry): boolean {
  return secret !== undefined || SECRETLESS.includes(String(method));
}

interface ClientEntry {
  secret?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
}

import { accessTokenStyle, type ReadonlyOutput, scopes, type signingAlgorithm } from '@tallystick/common/config';
import { z } from 'zod';
import { api } from './api.ts';
import { authorizationServer } from './authorization_server.ts';
import { client } from './client.ts';
import { features } from './features.ts';
import { lifetimes } from './lifetimes.ts';
import { trustedIssuer } from './trusted_issuer.ts';
import { user } from './user.ts';

/** Everything that one authorization server is configured with. */
export const authorizationServerConfig = z.strictObject({
  issuer: z
    .string()
    .min(1)
    .describe('Issuer identifier, without a trailing slash; the same however the server is reached.'),
  secret: z
    .string()
    .min(32)
    .describe(
      'Protects cookies, and what authorization servers keep in the store. At least 32 characters, the same in every process on one store.',
    ),
  lifetimes: lifetimes
    .prefault({})
    .describe('Lifetimes of everything that the authorization server issues, in seconds.'),
  features: features.prefault({}).describe('Enabled protocol features.'),
  apis: z.array(api).default([]).describe('The APIs for which clients get access tokens.'),
  clients: z.array(client).describe('The clients (RFC 6749 section 2).'),
  users: z.array(user).default([]).describe('Users who can sign in. The login page takes any other name as well.'),
  trustedIssuers: z
    .array(trustedIssuer)
    .default([])
    .describe('Issuers whose assertions about users the jwt_bearer grant accepts (RFC 7523).'),
  permissive: z
    .boolean()
    .default(false)
    .describe(
      'Accepts every client id, with any secret or none, and every redirect URI, scope and audience, as mocks of authorization servers do. For tests only.',
    ),
  permissiveAccessTokens: accessTokenStyle
    .default('jwt')
    .describe('Access token style of the APIs that only a permissive issuer knows.'),
  permissiveUser: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, { error: 'expected 1 to 255 ASCII characters without spaces' })
    .optional()
    .describe(
      'Signs users in without a page at a permissive issuer, for clients that are not in `clients`: the user that `login_hint` names, or this one. `prompt=login` still shows the page.',
    ),
  callsPrivateAddresses: z
    .boolean()
    .optional()
    .describe(
      'Whether the server may call clients at addresses that are not public. Default: only if the issuer is on http or on this machine.',
    ),
  scopes: z
    .record(
      scopes.element.refine((name) => name !== 'openid' && name !== 'offline_access', {
        error: 'expected another name: openid and offline_access have a fixed meaning',
      }),
      z.array(z.string().min(1)),
    )
    .default({})
    .meta({
      description: 'More scopes that bring claims, each with the names of its claims.',
      examples: [{ groups: ['groups', 'roles'] }],
    }),
  ...authorizationServer.shape,
});

export type AuthorizationServerConfig = ReadonlyOutput<typeof authorizationServerConfig>;
export type ApiConfig = ReadonlyOutput<typeof api>;
export type ClientConfig = ReadonlyOutput<typeof client>;
export type UserConfig = ReadonlyOutput<typeof user>;
export type TrustedIssuerConfig = ReadonlyOutput<typeof trustedIssuer>;
export type LifetimeConfig = AuthorizationServerConfig['lifetimes'];
export type FeatureConfig = AuthorizationServerConfig['features'];
export type ReuseGraceConfig = AuthorizationServerConfig['reuseGrace'];
export type TokenExchangeConfig = NonNullable<ClientConfig['tokenExchange']>;
export type AccessTokenEncryption = NonNullable<ApiConfig['encryption']>;
export type AccessTokenStyle = ApiConfig['accessTokens'];
export type SigningAlgorithm = ReadonlyOutput<typeof signingAlgorithm>;

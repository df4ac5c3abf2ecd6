import { headerName, httpUrl, origin, type ReadonlyOutput, resource, scopes, seconds } from '@tallystick/common/config';
import { z } from 'zod';
import { defaultCsrfHeader } from './default_headers.ts';

/** RFC 6265bis section 4.1.3.2: browsers accept this prefix only over HTTPS, for this host and for all paths. */
export const cookieName = z
  .string()
  .regex(/^__Host-[\w.-]+$/, { error: 'expected a name that begins with __Host-' })
  .describe('Name of the cookie with the access token. Names of the other cookies begin with it.');

export const pageOrigins = z
  .array(origin)
  .describe("Origins of pages, in addition to the gateway's own, that may send the cookie.");

export const csrfHeader = headerName.describe(
  'Header that these pages must send with every request, with any value. No form and no link can send it.',
);

const endpoint = (name: string, purpose: string) =>
  z
    .string()
    .regex(/^[\w-]+$/, { error: 'expected a path segment' })
    .default(name)
    .describe(`Last path segment of the endpoint ${purpose}.`);

/** The token handler pattern (OAuth 2.0 for Browser-Based Applications, section 6.1). */
export const tokenHandler = z.strictObject({
  prefix: z
    .string()
    .regex(/^(\/[\w-]+)+$/, { error: 'expected a path without a slash at its end' })
    .default('/oauth-agent')
    .describe('Path prefix of its endpoints.'),
  endpoints: z
    .strictObject({
      login: endpoint('login', 'that begins a sign-in'),
      callback: endpoint('callback', 'to which the authorization server redirects the browser'),
      session: endpoint('session', 'that tells the application who is signed in'),
      refresh: endpoint('refresh', 'that renews the tokens'),
      logout: endpoint('logout', 'that signs the user out'),
    })
    .prefault({})
    .describe('Last path segments of its endpoints.'),
  client: z
    .strictObject({
      id: z.string().min(1).describe('One of the clients. The callback endpoint must be among its `redirectUris`.'),
      secret: z.string().min(1).optional().describe('Its secret. Omit it for a public client.'),
    })
    .describe('Client with which the application signs users in.'),
  api: resource.describe('Resource indicator of the API that the application calls.'),
  scopes: scopes.default([]).describe('Scopes that it requests in addition to openid.'),
  claims: z
    .array(z.string().min(1))
    .default([])
    .describe('User claims in the answer of the session endpoint, in addition to sub.'),
  cookie: cookieName.default('__Host-tallystick'),
  sameSite: z
    .enum(['strict', 'lax'])
    .default('strict')
    .describe(
      '`SameSite` of the cookies. With `lax`, browsers also send them when a link on another site is followed.',
    ),
  sessionLifetime: seconds
    .default(8 * 3600)
    .describe('Seconds after which a user must sign in again, whatever the lifetime of the refresh token.'),
  application: z
    .union([httpUrl, z.string().regex(/^\/(?![/\\])/, { error: 'expected a URL or a path' })])
    .default('/')
    .describe('Where browsers go after login and logout: a URL, or a path on the gateway.'),
  origins: pageOrigins.default([]),
  csrfHeader: csrfHeader.default(defaultCsrfHeader),
});

export type TokenHandlerConfig = ReadonlyOutput<typeof tokenHandler>;
export type EndpointName = keyof TokenHandlerConfig['endpoints'];

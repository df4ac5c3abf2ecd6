import { headerName, httpUrl, origin, resource, scopes, seconds } from '@tallystick/common/config';
import { z } from 'zod';

/** RFC 6265bis section 4.1.3.2: what begins so, browsers take only over HTTPS, from this host, for the whole of it. */
export const cookieName = z
  .string()
  .regex(/^__Host-[\w.-]+$/, { error: 'expected a name that begins with __Host-' })
  .describe('Name of the cookie that holds the access token.');

export const pageOrigins = z
  .array(origin)
  .describe("Origins of pages, beside the gateway's own, that may send the cookie.");

export const csrfHeader = headerName.describe(
  'Header that such pages must send with every request, whatever its value.',
);

const endpoint = (name: string, what: string) =>
  z
    .string()
    .regex(/^[\w-]+$/, { error: 'expected a path segment' })
    .default(name)
    .describe(`Last segment of the path at which ${what}.`);

export const tokenHandler = z.strictObject({
  prefix: z
    .string()
    .regex(/^(\/[\w-]+)+$/, { error: 'expected a path without a slash at its end' })
    .default('/oauth-agent')
    .describe('Begins the paths of its endpoints.'),
  endpoints: z
    .strictObject({
      login: endpoint('login', 'a sign-in begins'),
      callback: endpoint('callback', 'the authorization server sends the browser back'),
      session: endpoint('session', 'the application learns who is signed in'),
      refresh: endpoint('refresh', 'the application has the tokens renewed'),
      logout: endpoint('logout', 'the application signs the user out'),
    })
    .prefault({})
    .describe('Last segments of the paths of its endpoints.'),
  client: z
    .strictObject({
      id: z.string().min(1).describe('One of the clients, with the callback endpoint among its `redirectUris`.'),
      secret: z.string().min(1).optional().describe('Absent for a public client.'),
    })
    .describe('The client as which the application signs users in.'),
  api: resource.describe('Resource indicator of the API that the application calls.'),
  scopes: scopes.default([]).describe('Scopes that it asks for, beside openid.'),
  claims: z
    .array(z.string().min(1))
    .default([])
    .describe('Claims of the user that the session endpoint tells, beside sub.'),
  cookie: cookieName.default('__Host-tallystick'),
  sameSite: z
    .enum(['strict', 'lax'])
    .default('strict')
    .describe('With `lax` the cookies also come with links from other sites.'),
  sessionLifetime: seconds.default(8 * 3600).describe('Seconds after which a user has to sign in again.'),
  application: z
    .union([httpUrl, z.string().regex(/^\/(?![/\\])/, { error: 'expected a URL or a path' })])
    .default('/')
    .describe('Where browsers go after login and logout: a URL, or a path on the gateway.'),
  origins: pageOrigins.default([]),
  csrfHeader: csrfHeader.default('X-CSRF'),
});

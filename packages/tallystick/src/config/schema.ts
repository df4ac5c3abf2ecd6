import { authorizationServer, authorizationServerConfig } from '@tallystick/authorization-server/config';
import { hostPattern, issuerExpected, issuerIdentifier, port, roleTimeouts } from '@tallystick/common/config';
import { gateway, introspectionClient } from '@tallystick/gateway/config';
import { store } from '@tallystick/token-store/config';
import { z } from 'zod';
import { apiSchema, apisSchema } from './apis.ts';
import { controlApi } from './control_api.ts';
import { sampleApi } from './sample_api.ts';
import { tenant } from './tenant.ts';
import { tls } from './tls.ts';

const { secret, lifetimes, features, scopes, clients, users, trustedIssuers } = authorizationServerConfig.shape;
const { permissive, permissiveAccessTokens, permissiveUser } = authorizationServerConfig.shape;

export { apiSchema };
export const clientSchema = clients.element;
export const userSchema = users.unwrap().element;
export { tenant as tenantSchema };
export const routeSchema = gateway.shape.routes.element;

type GivenTenant = z.output<typeof tenant>;
/** A tenant with every default filled in. */
export interface Tenant extends GivenTenant {
  clients: z.output<typeof clientSchema>[];
  users: z.output<typeof userSchema>[];
  routes: NonNullable<GivenTenant['routes']>;
}
export type TenantInput = z.input<typeof tenant>;

/** Default of `permissiveTenants`. */
export const PERMISSIVE_TENANTS = 10;

/** Stands for the issuer that a client asks for. */
export const FROM_REQUEST = 'from-request';
const ISSUER = `${issuerExpected}, or ${FROM_REQUEST}`;

/** The sections of one configuration for all roles, each checked for itself. */
export const configSections = z.strictObject({
  $schema: z.string().optional().describe('JSON Schema of the file, for editors. Ignored.'),
  issuer: z
    .union([issuerIdentifier, z.literal(FROM_REQUEST)], { error: ISSUER })
    .default('http://localhost:4000')
    .meta({
      description:
        'Issuer identifier, with a path if it has one. It stays the same whichever address the server is reached at. `from-request` is for development: each address that clients use is an issuer of its own.',
      examples: ['https://login.example.com', FROM_REQUEST],
    }),
  issuerFromRequest: z
    .boolean()
    .default(false)
    .describe(
      'Beside `issuer`, each address that clients use is an issuer of its own. `issuer: from-request` sets it, with an `issuer` on this machine.',
    ),
  host: z
    .string()
    .min(1)
    .default('localhost')
    .describe('Address to listen on. `localhost` means 127.0.0.1 and ::1, as far as the machine has them.'),
  allowedHosts: z
    .array(hostPattern)
    .optional()
    .describe(
      'Additional values of `Host` that the servers accept, beside their own names and those of this machine; `*.example.com` matches every name below it. Default: a server on a loopback address accepts no others, any other server accepts all. Without `gateway.publicUrl`, a DPoP proof for any other host is refused.',
    ),
  tls: tls.optional().describe('With a certificate, every server of the process listens on HTTPS.'),
  secret: secret
    .optional()
    .describe(
      'Protects cookies and the records of the authorization server in the store. At least 32 characters. Required with a shared store, and the same in every authorization server on it. Gateways may have another one.',
    ),
  serverPages: z
    .boolean()
    .optional()
    .describe(
      'Whether each server has a page at `/` that says what it is: issuer, endpoints, users, routes. Default: servers on a loopback address have one, if the issuer is on this machine too.',
    ),
  permissive,
  permissiveAccessTokens,
  permissiveUser,
  permissiveTenants: z
    .int()
    .min(0)
    .max(100)
    .default(PERMISSIVE_TENANTS)
    .describe(
      'Maximum number of tenants that a permissive first issuer makes on demand: requests below `/{id}/` find one, with the APIs, clients and users of the first issuer, as at mock-oauth2-server. `0`: none.',
    ),
  permissiveOnNetwork: z
    .boolean()
    .default(false)
    .describe(
      'Allows a permissive issuer on a server that listens on other addresses than those of this machine. Everyone who reaches it then gets any token.',
    ),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe(
          'Lowest level that is logged on standard error: JSON lines, or readable ones on a terminal. `info` logs refused requests.',
        ),
    })
    .prefault({})
    .describe('The log.'),
  store: store.prefault({}).describe('Storage for tokens, sign-ins and keys.'),
  authorizationServer: z
    .strictObject({ port: port.default(4000), timeouts: roleTimeouts, ...authorizationServer.shape })
    .prefault({})
    .describe('Settings of the authorization server.'),
  lifetimes,
  scopes,
  features,
  gateway: gateway
    .extend({
      client: introspectionClient
        .optional()
        .describe(
          "The gateway's own client at the authorization server. It must be one that `introspects`. Default: a client of its own, with a secret that is derived from `secret`, or random if all roles run in one process.",
        ),
      routes: z
        .array(gateway.shape.routes.element)
        .optional()
        .describe(
          'Where each API is served, and what a call needs. Default: the only API at `/`, or each of several APIs at the path of its resource indicator, if it has one. Every method needs one of the scopes of the API.',
        ),
    })
    .prefault({})
    .describe('The API gateway.'),
  sampleApi: sampleApi
    .prefault({})
    .describe('The API behind routes without an upstream. It shows the request that reached it.'),
  controlApi: controlApi.prefault({}).describe('The HTTP API with which tests control the servers.'),
  apis: apisSchema,
  clients: clients
    .optional()
    .describe(
      'The clients (RFC 6749 section 2). Default: `demo-web`, a public client on this machine; and `demo-service`, whose secret is `demo-service-secret`, if the servers listen on a loopback address only.',
    ),
  users: z
    .array(userSchema)
    .optional()
    .describe('Users who can sign in. The login page takes any other name as well. Default: alice and bob.'),
  tenants: z.array(tenant).default([]).describe('More issuers in the same process, at {issuer}/{id}.'),
  trustedIssuers,
});

type Sections = z.output<typeof configSections>;
type Gateway = Sections['gateway'];

/** A configuration with every default filled in, also those that depend on other sections. */
export interface Config extends Omit<Sections, '$schema' | 'gateway' | 'clients' | 'users' | 'tenants'> {
  gateway: Omit<Gateway, 'routes'> & { routes: NonNullable<Gateway['routes']> };
  clients: z.output<typeof clientSchema>[];
  users: z.output<typeof userSchema>[];
  tenants: Tenant[];
}
/** The output of the sections: defaults that depend on other sections are missing. */
export type ConfigSections = Sections;
export type ConfigInput = z.input<typeof configSections>;

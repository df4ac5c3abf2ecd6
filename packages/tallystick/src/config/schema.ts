import { authorizationServer, authorizationServerConfig, checkEntries } from '@tallystick/authorization-server/config';
import { hostPattern, origin, port, refuseDuplicates, refusing, roleTimeouts } from '@tallystick/common/config';
import { checkIntrospection, gateway } from '@tallystick/gateway/config';
import { store } from '@tallystick/token-store/config';
import { z } from 'zod';
import { isAbsent } from './absent.ts';
import { controlApi } from './control_api.ts';
import { checkGrants } from './cross_references/check_grants.ts';
import { checkIntrospectingClients } from './cross_references/check_introspecting_clients.ts';
import { checkRoutes } from './cross_references/check_routes.ts';
import { checkTokenHandlers } from './cross_references/check_token_handlers.ts';
import { sampleApi } from './sample_api.ts';
import { tenant } from './tenant.ts';
import { checkTls, tls } from './tls.ts';

const { secret, lifetimes, features, apis, clients, users, trustedIssuers } = authorizationServerConfig.shape;

export const apiSchema = apis.element;
export const clientSchema = clients.element;
export const userSchema = users.unwrap().element;
export { tenant as tenantSchema };

export type Tenant = z.output<typeof tenant>;
export type TenantInput = z.input<typeof tenant>;

/** One configuration for all roles. */
export const configSchema = z
  .strictObject({
    issuer: origin
      .default('http://localhost:4000')
      .describe('Issuer identifier. It stays the same whichever address the server is reached at.'),
    host: z.string().min(1).default('localhost').describe('Address to listen on.'),
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
    log: z
      .strictObject({
        level: z
          .enum(['debug', 'info', 'warn', 'error', 'silent'])
          .default('warn')
          .describe('Lowest level that is logged, as JSON lines on standard error.'),
      })
      .prefault({})
      .describe('The log.'),
    store: store.prefault({}).describe('Storage for tokens, sign-ins and keys.'),
    authorizationServer: z
      .strictObject({ port: port.default(4000), timeouts: roleTimeouts, ...authorizationServer.shape })
      .prefault({})
      .describe('Settings of the authorization server.'),
    lifetimes,
    features,
    gateway: gateway.describe('The API gateway.'),
    sampleApi: sampleApi.describe('The API behind routes without an upstream. It shows the request that reached it.'),
    controlApi: controlApi.prefault({}).describe('The HTTP API with which tests control the servers.'),
    apis,
    clients,
    users,
    tenants: z.array(tenant).default([]).describe('More issuers in the same process, at {issuer}/{id}.'),
    trustedIssuers,
  })
  .superRefine(checkReferences);

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** What one part says of another must be true. */
export function checkReferences(
  config: z.output<z.ZodObject<typeof configSchema.shape>>,
  context: z.RefinementCtx,
): void {
  const refuse = refusing(context);

  if (config.store.url !== 'memory:' && config.secret === undefined) {
    refuse(
      ['secret'],
      'expected a secret of at least 32 characters, the same in all processes on the store',
      undefined,
    );
  }
  checkTls(config, refuse);
  checkEntries(config, refuse);
  refuseDuplicates(config.tenants, 'id', ['tenants'], refuse);
  checkRoutes(config, refuse);
  if (!isAbsent(config.clients)) checkTokenHandlers(config, refuse);
  if (config.gateway.decisionEndpoints.length > 0 && config.gateway.trustedProxies.length === 0) {
    refuse(['gateway', 'trustedProxies'], 'expected the addresses of the gateways that use the decision endpoints', []);
  }
  checkGrants(config, refuse);
  checkIntrospection(config.gateway, refuse);
  checkIntrospectingClients(config, refuse);
}

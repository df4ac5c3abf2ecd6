import {
  api,
  authorizationServer,
  checkEntries,
  client,
  features,
  lifetimes,
  trustedIssuer,
  user,
} from '@tallystick/authorization-server/config';
import { hostPattern, origin, refuseDuplicates, refusing } from '@tallystick/common/config';
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

export { api as apiSchema, client as clientSchema, tenant as tenantSchema, user as userSchema };

export type Tenant = z.output<typeof tenant>;
export type TenantInput = z.input<typeof tenant>;

/** One configuration for all roles. */
export const configSchema = z
  .strictObject({
    issuer: origin
      .default('http://localhost:4000')
      .describe('Issuer identifier; the same however the server is reached.'),
    host: z.string().min(1).default('localhost').describe('Address to listen on.'),
    allowedHosts: z
      .array(hostPattern)
      .optional()
      .describe(
        'Names and addresses for which the servers answer, beside their own and those of this machine; `*.example.com` stands for every name below. Default: a server on a loopback address answers for no other, and any other server for all. Without `gateway.publicUrl`, a DPoP proof for any other host is refused.',
      ),
    tls: tls.optional().describe('With a certificate, every server of the process listens on HTTPS.'),
    secret: z
      .string()
      .min(32)
      .optional()
      .describe(
        'Protects cookies, and what authorization servers keep in the store, at least 32 characters. Needed on a shared ' +
          'store. Gateways may have one of their own.',
      ),
    log: z
      .strictObject({
        level: z
          .enum(['debug', 'info', 'warn', 'error', 'silent'])
          .default('warn')
          .describe('The least that is logged, as JSON lines on standard error.'),
      })
      .prefault({})
      .describe('The log.'),
    store: store.prefault({}).describe('Where tokens, sign-ins and keys are kept.'),
    authorizationServer: authorizationServer
      .prefault({})
      .describe('The authorization server, apart from what it knows.'),
    lifetimes: lifetimes.prefault({}).describe('Seconds that what is issued lives.'),
    features: features.prefault({}).describe('What of the protocol is switched on.'),
    gateway: gateway.describe('The API gateway.'),
    sampleApi: sampleApi.describe('The API behind the routes that name no upstream; it shows what reached it.'),
    controlApi: controlApi.prefault({}).describe('What tests may do to it, over HTTP.'),
    apis: z.array(api).min(1).describe('The APIs that there are tokens for.'),
    clients: z.array(client).describe('The clients (RFC 6749 section 2).'),
    users: z.array(user).default([]).describe('Who can sign in, beside those who are typed in at the login page.'),
    tenants: z.array(tenant).default([]).describe('Further issuers in the same process, at {issuer}/{id}.'),
    trustedIssuers: z
      .array(trustedIssuer)
      .default([])
      .describe('Authorities whose assertions about users the jwt_bearer grant takes (RFC 7523).'),
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
    refuse(['secret'], 'expected a secret of at least 32 characters: processes on one store share it', undefined);
  }
  checkTls(config, refuse);
  checkEntries(config, refuse);
  refuseDuplicates(config.tenants, 'id', ['tenants'], refuse);
  checkRoutes(config, refuse);
  if (!isAbsent(config.clients)) checkTokenHandlers(config, refuse);
  if (config.gateway.decisionEndpoints.length > 0 && config.gateway.trustedProxies.length === 0) {
    refuse(['gateway', 'trustedProxies'], 'expected the addresses of the gateways that ask for decisions', []);
  }
  checkGrants(config, refuse);
  checkIntrospection(config.gateway, refuse);
  checkIntrospectingClients(config, refuse);
}

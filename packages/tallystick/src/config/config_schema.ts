import { checkEntries } from '@tallystick/authorization-server/config';
import { refuseDuplicates, refusing } from '@tallystick/common/config';
import { checkIntrospection } from '@tallystick/gateway/config';
import { z } from 'zod';
import { isAbsent, optionalSections } from './absent.ts';
import { checkGrants } from './cross_references/check_grants.ts';
import { checkIntrospectingClients } from './cross_references/check_introspecting_clients.ts';
import { checkRoutes } from './cross_references/check_routes.ts';
import { checkTokenHandlers } from './cross_references/check_token_handlers.ts';
import { apiSchema, type Config, configSections } from './schema.ts';
import { checkTls } from './tls.ts';

/** A role that runs in its own process. Without a role, all of them run in one process. */
export type Role = 'authorization-server' | 'gateway' | 'sample-api';

/** Sections that a role does not need. They are checked only if they are given. */
const optional = {
  'authorization-server': { gateway: optionalSections.gateway, sampleApi: optionalSections.sampleApi },
  gateway: {
    sampleApi: optionalSections.sampleApi,
    apis: z.array(apiSchema).default([]),
    clients: optionalSections.clients,
  },
  'sample-api': {
    gateway: optionalSections.gateway,
    apis: z.array(apiSchema).default([]),
    clients: optionalSections.clients,
  },
};

/** @param role the only role of the process; undefined for all of them */
export function schemaFor(role: Role | undefined): z.ZodType<Config> {
  return z
    .strictObject({ ...configSections.shape, ...(role && optional[role]) })
    .superRefine(checkReferences) as z.ZodType<Config>;
}

/** The JSON Schema (draft 2020-12) of the configuration file, for editors. */
export function jsonSchema(): object {
  return { ...z.toJSONSchema(configSections, { io: 'input' }), title: 'Tallystick configuration' };
}

/** Checks the references between sections. */
function checkReferences(config: Config, context: z.RefinementCtx): void {
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

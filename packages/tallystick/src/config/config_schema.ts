import { checkEntries } from '@tallystick/authorization-server/config';
import { refuseDuplicates, refusing } from '@tallystick/common/config';
import { checkGatewayConfig, gateway } from '@tallystick/gateway/config';
import { z } from 'zod';
import { checkGrants } from './cross_references/check_grants.ts';
import { checkIntrospectingClients } from './cross_references/check_introspecting_clients.ts';
import { checkPermissive } from './cross_references/check_permissive.ts';
import { checkRoutes } from './cross_references/check_routes.ts';
import { checkTokenHandlers } from './cross_references/check_token_handlers.ts';
import { sampleApi } from './sample_api.ts';
import { apiSchema, type Config, clientSchema, configSections } from './schema.ts';
import { checkTls } from './tls.ts';

/** A role that runs in its own process. Without a role, all of them run in one process. */
export type Role = 'authorization-server' | 'gateway' | 'sample-api';

const apis = z.array(apiSchema).default([]);
const clients = z.array(clientSchema).default([]);
const otherGateway = gateway
  .extend({ client: gateway.shape.client.optional(), routes: z.array(gateway.shape.routes.element).default([]) })
  .prefault({});
const otherSampleApi = sampleApi.extend({ client: sampleApi.shape.client.optional() }).prefault({});

/** Sections that a role reads only in part, or not at all. */
const relaxedSections = {
  'authorization-server': { gateway: otherGateway, sampleApi: otherSampleApi },
  gateway: { sampleApi: otherSampleApi, apis, clients },
  'sample-api': { gateway: otherGateway, apis, clients },
};

/**
 * The schema of a configuration. The values that are optional only for a role are required in the type: that role never reads
 * them.
 *
 * @param role the only role of the process; undefined for all of them
 */
export function schemaFor(role: Role | undefined): z.ZodType<Config> {
  return z
    .strictObject({ ...configSections.shape, ...(role && relaxedSections[role]) })
    .superRefine((config, context) => checkReferences(config as Config, role, context)) as z.ZodType<Config>;
}

/** The JSON Schema (draft 2020-12) of the configuration file, for editors. */
export function jsonSchema(): object {
  return { ...z.toJSONSchema(configSections, { io: 'input' }), title: 'Tallystick configuration' };
}

/** Checks the references between sections. */
function checkReferences(config: Config, role: Role | undefined, context: z.RefinementCtx): void {
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
  checkGatewayConfig({ ...config.gateway, issuer: config.issuer, apis: config.apis }, (path, ...rest) =>
    refuse(['gateway', ...path], ...rest),
  );
  if (role === undefined || role === 'authorization-server') checkPermissive(config, refuse);
  checkRoutes(config, refuse);
  checkGrants(config, refuse);
  // A gateway or a sample API alone may not know the clients.
  if (config.clients.length > 0 || role === undefined || role === 'authorization-server') {
    checkTokenHandlers(config, refuse);
    checkIntrospectingClients(config, refuse);
  }
}

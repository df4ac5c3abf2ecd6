import { checkEntries } from '@tallystick/authorization-server/config';
import { type Refuse, refuseDuplicates, refusing } from '@tallystick/common/config';
import { checkGatewayClient, checkGatewayConfig } from '@tallystick/gateway/config';
import { z } from 'zod';
import { completeConfig } from './complete_config.ts';
import { checkGrants } from './cross_references/check_grants.ts';
import { checkIntrospectingClients, checkSampleApiClient } from './cross_references/check_introspecting_clients.ts';
import { checkPermissive } from './cross_references/check_permissive.ts';
import { checkRoutes } from './cross_references/check_routes.ts';
import { checkTokenHandlers } from './cross_references/check_token_handlers.ts';
import type { Role } from './role.ts';
import { type Config, configSections, FROM_REQUEST } from './schema.ts';
import { checkTls } from './tls.ts';

/**
 * The schema of a configuration, with defaults that depend on other sections.
 *
 * @param role the only role of the process; undefined for all of them
 */
export function schemaFor(role: Role | undefined): z.ZodType<Config> {
  return configSections
    .transform((sections) => completeConfig(sections, role))
    .superRefine((config, context) => checkReferences(config, role, context));
}

/** Where editors find the schema of this version, which is in the package. The minor version is that of package.json; a test compares them. */
export const SCHEMA_ID = 'https://unpkg.com/tallystick@0.1/schema.json';

/** The JSON Schema (draft 2020-12) of the configuration file, for editors. */
export function jsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(configSections, { io: 'input' });
  return { $schema, $id: SCHEMA_ID, title: 'Tallystick configuration', ...schema };
}

/** Issuers by request are for development: one process, which nobody runs in production. */
function checkIssuerFromRequest({ issuerFromRequest, store }: Config, role: Role | undefined, refuse: Refuse): void {
  if (!issuerFromRequest) return;
  if (role === 'gateway' || role === 'sample-api')
    refuse(['issuer'], 'expected a URL: this role alone does not know which addresses clients use', FROM_REQUEST);
  if (store.url !== 'memory:')
    refuse(['issuer'], 'expected a URL: from-request is for development, with the store "memory:"', FROM_REQUEST);
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
  checkIssuerFromRequest(config, role, refuse);
  checkTls(config, refuse);
  checkEntries(config, refuse);
  refuseDuplicates(config.tenants, 'id', ['tenants'], refuse);
  const gateway = { ...config.gateway, issuer: config.issuer, apis: config.apis };
  const refuseInGateway: Refuse = (path, ...rest) => refuse(['gateway', ...path], ...rest);
  checkGatewayConfig(gateway, refuseInGateway);
  if (role === undefined || role === 'gateway') checkGatewayClient(gateway, refuseInGateway);
  if (role === undefined || role === 'authorization-server') checkPermissive(config, refuse);
  checkRoutes(config, refuse);
  if (role === undefined || role === 'sample-api') checkSampleApiClient(config, refuse);
  checkGrants(config, refuse);
  // A gateway or a sample API alone may not know the clients.
  if (config.clients.length > 0 || role === undefined || role === 'authorization-server') {
    checkTokenHandlers(config, refuse);
    checkIntrospectingClients(config, refuse);
  }
}

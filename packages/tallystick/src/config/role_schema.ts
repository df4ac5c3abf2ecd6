import { z } from 'zod';
import { optionalSections } from './absent.ts';
import { apiSchema, type Config, checkReferences, configSchema } from './schema.ts';

/** A process of its own. Without one, all run in the same process. */
export type Role = 'authorization-server' | 'gateway' | 'sample-api';

/** What a role does without: what is not given is not checked. */
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

/** The schema of a configuration for one role, or for all. */
export function schemaFor(role: Role | undefined): z.ZodType<Config> {
  if (role === undefined) return configSchema;
  return z.strictObject({ ...configSchema.shape, ...optional[role] }).superRefine(checkReferences) as z.ZodType<Config>;
}

import { z } from 'zod';
import { origin, resource, scopes } from './common_schema.ts';

export const route = z.strictObject({
  prefix: z
    .string()
    .regex(/^\/[\w\-/.]*$/, { error: 'expected a path that begins with a slash' })
    .describe('Path prefix, matched by whole segments; it stays in the path that the API sees.'),
  api: resource,
  upstream: origin.optional().describe('Origin of the API. Default: the sample API.'),
  scopes: z
    .record(z.string().regex(/^([A-Z]+|\*)$/, { error: 'expected an HTTP method in capitals, or *' }), scopes)
    .default({ '*': [] })
    .describe('Scopes that a call needs, by method; `*` stands for every method not named.'),
  onMiss: z.enum(['refuse', 'introspect']).default('refuse').describe('What a split lookup that finds nothing does.'),
});

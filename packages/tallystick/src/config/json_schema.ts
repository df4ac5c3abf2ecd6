import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The JSON Schema (draft 2020-12) of the configuration file, for editors and for whoever writes one. */
export function jsonSchema(): object {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'Tallystick configuration' };
}

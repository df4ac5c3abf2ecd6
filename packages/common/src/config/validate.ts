import type { z } from 'zod';

/**
 * Validates an input against one of our schemas. A schema is used rarely, so that compiling its checks (zod's JIT) would take
 * longer than running them. Each call says so, because `z.config` would say it for every user of zod in the process.
 */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.ZodSafeParseResult<z.output<Schema>> {
  return schema.safeParse(input, { reportInput: true, jitless: true });
}

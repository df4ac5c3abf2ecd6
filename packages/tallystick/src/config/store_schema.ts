import { z } from 'zod';

export const store = z.strictObject({
  url: z
    .string()
    .regex(/^(memory:|rediss?:\/\/.+)$/, { error: 'expected memory:, redis://… or rediss://…' })
    .default('memory:')
    .describe('Where tokens are kept: `memory:` (this process only), `redis://host:port/db` or `rediss://…`.'),
  prefix: z
    .string()
    .min(1)
    .default('tallystick:')
    .describe('Begins every Redis key, so that installations can share a Redis.'),
  seal: z
    .boolean()
    .default(false)
    .describe('Encrypt split entries under a key that only the client holds. Records always are encrypted so.'),
});

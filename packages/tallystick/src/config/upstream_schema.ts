import { z } from 'zod';
import { milliseconds } from './common_schema.ts';

/** When one of several upstreams is left alone, as far as its answers tell. */
export const upstreamHealth = z.strictObject({
  maxFailures: z.int().positive().default(3).describe('Failures in a row after which an upstream is left alone.'),
  coolDown: milliseconds
    .default(10_000)
    .describe('Milliseconds for which it is left alone the first time; each failure after that doubles them.'),
  maxCoolDown: milliseconds.default(120_000).describe('Milliseconds for which it is left alone at most.'),
  failureStatuses: z
    .array(z.int().min(500).max(599))
    .default([])
    .describe('Statuses of its answers that are failures, such as 503; the answer is passed on all the same.'),
});

import { z } from 'zod';
import { endpointSchema } from '../faults/schemas.ts';

const values = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

export const recordedRequestSchema = z.object({
  time: z.iso.datetime().describe('When it came, by the clock of this Tallystick.'),
  endpoint: endpointSchema,
  clientId: z.string().optional().describe('The client that it says it is from.'),
  method: z.string(),
  path: z.string(),
  query: values,
  headers: values,
  form: values.optional(),
  status: z.int().optional().describe('Of the answer; absent when the connection was cut.'),
});

/** A request that the authorization server answered. */
export type RecordedRequest = z.output<typeof recordedRequestSchema>;
export type Values = z.output<typeof values>;

/** One value as it is, several as a list. The names are a client's, so that the object has no others: not even inherited ones. */
export function valuesOf(entries: Iterable<readonly [string, string]>): Values {
  const collected: Values = Object.create(null);
  for (const [name, value] of entries) {
    const before = collected[name];
    if (before === undefined) collected[name] = value;
    else if (typeof before === 'string') collected[name] = [before, value];
    else before.push(value);
  }
  return collected;
}

import { milliseconds } from '@tallystick/common/config';
import { z } from 'zod';

const material = z.string().min(1);

/** How the gateway speaks TLS with upstreams. */
export const upstreamTls = z
  .strictObject({
    ca: material
      .optional()
      .describe(
        'CAs that the certificate of the upstream may come from: PEM, or the file that holds them. Default: the usual ones.',
      ),
    servername: z
      .string()
      .regex(/^[\w-]+(\.[\w-]+)*$/, { error: 'expected a host name' })
      .optional()
      .describe(
        'The name that its certificate must have, and that it is asked for (SNI). Default: that of the upstream.',
      ),
    certificate: material
      .optional()
      .describe("The gateway's own certificate, for an upstream that asks for one: PEM, or the file that holds it."),
    key: material.optional().describe('The private key of the certificate: PEM, or the file that holds it.'),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    error: 'expected certificate and key together',
  });

/** What of an API's responses is changed. */
export const rewriteResponse = z.strictObject({
  location: z
    .boolean()
    .default(false)
    .describe(
      '`Location` and `Content-Location` that lead to an upstream, or to a path below the one that it sees, lead to the gateway.',
    ),
  cookieDomain: z
    .string()
    .regex(/^([\w-]+(\.[\w-]+)*)?$/, { error: 'expected a host name, or nothing between the quotes' })
    .optional()
    .describe('Takes the place of the `Domain` of cookies that have one; empty for none.'),
  cookiePath: z.boolean().default(false).describe('The `Path` of cookies is the one where clients see it.'),
});

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

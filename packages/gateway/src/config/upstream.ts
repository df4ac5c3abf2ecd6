import { material, milliseconds, type ReadonlyOutput } from '@tallystick/common/config';
import { z } from 'zod';

/** How the gateway speaks TLS with upstreams. */
export const upstreamTls = z
  .strictObject({
    ca: material
      .optional()
      .describe(
        "CAs that are trusted for the upstream's certificate: PEM, or a file with it. Default: the CAs that the gateway trusts elsewhere.",
      ),
    servername: z
      .string()
      .regex(/^[\w-]+(\.[\w-]+)*$/, { error: 'expected a host name' })
      .optional()
      .describe(
        "Name that the upstream's certificate must have, also sent to it as SNI (RFC 6066 section 3). Default: the host of the upstream.",
      ),
    certificate: material
      .optional()
      .describe(
        "The gateway's own certificate followed by those of intermediate CAs, for an upstream that asks for one: PEM, or a file with it.",
      ),
    key: material.optional().describe('Private key of the certificate: PEM, or a file with it.'),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    error: 'expected certificate and key together',
  });

/** Changes to an API's responses. */
export const rewriteResponse = z.strictObject({
  location: z
    .boolean()
    .default(false)
    .describe(
      'Makes `Location` and `Content-Location` lead to the gateway if they lead to an upstream, or to a path below the prefix that the API sees.',
    ),
  cookieDomain: z
    .string()
    .regex(/^([\w-]+(\.[\w-]+)*)?$/, { error: 'expected a host name, or nothing between the quotes' })
    .optional()
    .describe('Replaces the `Domain` of cookies that have one. An empty text removes it.'),
  cookiePath: z.boolean().default(false).describe('Makes the `Path` of cookies the one that clients see.'),
});

/** Passive health checks of upstreams. */
export const upstreamHealth = z.strictObject({
  maxFailures: z.int().positive().default(3).describe('Consecutive failures after which an upstream is skipped.'),
  coolDown: milliseconds
    .default(10_000)
    .describe('Milliseconds during which it is skipped the first time. Every further failure doubles the time.'),
  maxCoolDown: milliseconds.default(120_000).describe('Longest time in milliseconds during which it is skipped.'),
  failureStatuses: z
    .array(z.int().min(500).max(599))
    .default([])
    .describe('Response statuses that count as failures, such as 503. Clients still get the response.'),
});

export type UpstreamTlsConfig = ReadonlyOutput<typeof upstreamTls>;
export type RewriteResponseConfig = ReadonlyOutput<typeof rewriteResponse>;
export type UpstreamHealthConfig = ReadonlyOutput<typeof upstreamHealth>;

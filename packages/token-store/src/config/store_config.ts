import { type DeepReadonly, type ReadonlyOutput, seconds } from '@tallystick/common/config';
import { z } from 'zod';
import { parseStoreUrl, type StoreLocation } from '../store_url.ts';

const MIB = 1024 * 1024;

/** Where tokens, sign-ins and keys are kept. */
export const store = z
  .strictObject({
    url: z
      .string()
      .default('memory:')
      .describe(
        'Address of the store: `memory:` (this process only), `redis://user:password@host:port/db`, `redis+cluster://a,b,c` or `redis+sentinel://a,b/mymaster`. `rediss` instead of `redis` means TLS.',
      ),
    tls: z
      .strictObject({
        ca: z.string().min(1).optional().describe('CAs of the Redis servers: PEM, or the file that holds them.'),
        certificate: z
          .string()
          .min(1)
          .optional()
          .describe('Client certificate for Redis servers that ask for one: PEM, or the file that holds it.'),
        key: z
          .string()
          .min(1)
          .optional()
          .describe('The private key of the certificate: PEM, or the file that holds it.'),
      })
      .optional()
      .describe('Certificates for a `rediss` URL. Default: the CAs that Node.js trusts.'),
    sentinel: z
      .strictObject({
        username: z.string().min(1).optional().describe('User name. Default: the default user.'),
        password: z.string().min(1).describe('Password.'),
      })
      .optional()
      .describe('Credentials for Sentinel. Those for Redis are in the URL.'),
    prefix: z
      .string()
      .min(1)
      .default('tallystick:')
      .describe('Prefix of every Redis key, so that several installations can share a Redis.'),
    seal: z
      .boolean()
      .default(true)
      .describe(
        "Encrypts split entries under a key derived from the client's half of the token. Gateways that are not Tallystick's need `false`; anyone who reads the store can then read the claims. Records are always encrypted, under `secret` too. Both forms can be read, whatever this value is.",
      ),
    maxEntries: z
      .int()
      .min(1)
      .default(200_000)
      .describe('Maximum number of entries in the memory store. When it is full, new entries are refused with 503.'),
    maxBytes: z
      .int()
      .min(1)
      .default(256 * MIB)
      .describe(
        'Approximate maximum size of the memory store in bytes, keys included. When it is full, new entries are refused with 503.',
      ),
    anonymous: z
      .strictObject({
        maxEntries: z.int().min(1).default(10_000).describe('Maximum number of records of each kind.'),
        maxBytes: z
          .int()
          .min(1)
          .default(16 * MIB)
          .describe('Maximum size of the records of each kind, in bytes.'),
      })
      .prefault({})
      .describe(
        'Limits for records that anyone can create without signing in: unfinished sign-ins, sessions without a user, registered clients that were never used, pushed requests, device codes. They apply to each kind and process. When a limit is reached, the oldest record is dropped.',
      ),
    waitForReplicas: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'Number of replicas that must acknowledge a write. If fewer do, the request fails. With 0, a failover can lose the last writes.',
      ),
    readFrom: z
      .enum(['master', 'replica'])
      .default('master')
      .describe('Servers from which gateways read split entries first. Replicas need Sentinel or a Cluster.'),
    maxReplicaLag: seconds
      .default(60)
      .describe(
        'Maximum replication lag of a replica in seconds. For this long after a start, gateways read from masters.',
      ),
  })
  .superRefine(({ url, tls, sentinel, readFrom, maxEntries, maxBytes, anonymous }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (url === 'memory:' && anonymous.maxEntries > maxEntries / 20)
      refuse(
        ['anonymous', 'maxEntries'],
        'expected at most a twentieth of store.maxEntries, which leaves the rest for users',
      );
    if (url === 'memory:' && anonymous.maxBytes > maxBytes / 16)
      refuse(
        ['anonymous', 'maxBytes'],
        'expected at most a sixteenth of store.maxBytes, which leaves the rest for users',
      );
    let location: StoreLocation;
    try {
      location = parseStoreUrl(url);
    } catch (error) {
      return refuse(['url'], (error as TypeError).message); // The input is left out: the URL may contain a password.
    }
    if (tls !== undefined && !('tls' in location && location.tls)) {
      refuse(['tls'], 'expected nothing, because the URL does not begin with rediss');
    }
    if ((tls?.certificate === undefined) !== (tls?.key === undefined)) {
      refuse(['tls'], 'expected certificate and key, or neither');
    }
    if (sentinel !== undefined && location.kind !== 'sentinel') {
      refuse(['sentinel'], 'expected nothing, because the URL names no Sentinels');
    }
    if (readFrom === 'replica' && location.kind !== 'sentinel' && location.kind !== 'cluster') {
      refuse(['readFrom'], 'expected master, because only Sentinel and a Cluster have replicas');
    }
  });

export type StoreConfig = ReadonlyOutput<typeof store>;

export type StoreInput = DeepReadonly<z.input<typeof store>>;

/**
 * A store's configuration, with the defaults filled in.
 *
 * @throws {z.ZodError} it is not valid
 */
export function storeConfig(input: StoreInput = {}): StoreConfig {
  return store.parse(input, { jitless: true });
}

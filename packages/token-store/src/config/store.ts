import { seconds } from '@tallystick/common/config';
import { z } from 'zod';
import { parseStoreUrl, type StoreLocation } from '../store_url.ts';

const MIB = 1024 * 1024;

export const store = z
  .strictObject({
    url: z
      .string()
      .default('memory:')
      .describe(
        'Where tokens are kept: `memory:` (this process only), `redis://user:password@host:port/db`, ' +
          '`redis+cluster://a,b,c` or `redis+sentinel://a,b/mymaster`; `rediss` for `redis` means TLS.',
      ),
    tls: z
      .strictObject({
        ca: z.string().min(1).optional().describe('Who vouches for the Redis servers: a file, or PEM.'),
        certificate: z.string().min(1).optional().describe('What is shown to them, if they ask: a file, or PEM.'),
        key: z.string().min(1).optional().describe('Its private key: a file, or PEM.'),
      })
      .optional()
      .describe('Certificates for a `rediss` URL. Default: the authorities that Node.js trusts.'),
    sentinel: z
      .strictObject({
        username: z.string().min(1).optional().describe('Default: the default user.'),
        password: z.string().min(1).describe('Its password.'),
      })
      .optional()
      .describe('Who one is to the Sentinels. The URL says who one is to Redis.'),
    prefix: z
      .string()
      .min(1)
      .default('tallystick:')
      .describe('Begins every Redis key, so that installations can share a Redis.'),
    seal: z
      .boolean()
      .default(true)
      .describe(
        'Encrypt split entries under a key that only the client holds. `false`: whoever reads the store reads their claims; a ' +
          "gateway that is not Tallystick's needs it so. Records are always encrypted, under `secret` too.",
      ),
    maxEntries: z
      .int()
      .min(1)
      .default(200_000)
      .describe('Entries that the memory store holds at most. Past that, new ones are refused with 503.'),
    maxBytes: z
      .int()
      .min(1)
      .default(256 * MIB)
      .describe(
        'Bytes that the memory store holds at most, by its own estimate. Past that, new entries are refused with 503.',
      ),
    anonymous: z
      .strictObject({
        maxEntries: z.int().min(1).default(10_000).describe('Number of them, for each kind.'),
        maxBytes: z
          .int()
          .min(1)
          .default(16 * MIB)
          .describe('Bytes of them, for each kind.'),
      })
      .prefault({})
      .describe(
        'What callers that nobody signed in for can take up, for each kind (sign-ins under way, registered clients that were ' +
          'never used, pushed requests, device codes, ...) and process. Past that, the newest takes the place of the oldest.',
      ),
    waitForReplicas: z
      .int()
      .min(0)
      .default(0)
      .describe('How many replicas must have a write before it counts. 0: a fail-over can lose the last writes.'),
    readFrom: z
      .enum(['master', 'replica'])
      .default('master')
      .describe('Where gateways look for split entries first. Sentinels and a Cluster know of replicas.'),
    maxReplicaLag: seconds
      .default(60)
      .describe('Seconds that a replica may be behind. Until so long after a start, masters are read.'),
  })
  .superRefine(({ url, tls, sentinel, readFrom, maxEntries, maxBytes, anonymous }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (url === 'memory:' && anonymous.maxEntries > maxEntries / 20)
      refuse(
        ['anonymous', 'maxEntries'],
        'expected at most a twentieth of store.maxEntries, so that most is left for users',
      );
    if (url === 'memory:' && anonymous.maxBytes > maxBytes / 16)
      refuse(
        ['anonymous', 'maxBytes'],
        'expected at most a sixteenth of store.maxBytes, so that most is left for users',
      );
    let location: StoreLocation;
    try {
      location = parseStoreUrl(url);
    } catch (error) {
      return refuse(['url'], (error as TypeError).message); // Without what was found: it may hold a password.
    }
    if (tls !== undefined && !('tls' in location && location.tls)) {
      refuse(['tls'], 'expected nothing, as the URL does not begin with rediss');
    }
    if ((tls?.certificate === undefined) !== (tls?.key === undefined)) {
      refuse(['tls'], 'expected certificate and key, or neither');
    }
    if (sentinel !== undefined && location.kind !== 'sentinel') {
      refuse(['sentinel'], 'expected nothing, as the URL names no Sentinels');
    }
    if (readFrom === 'replica' && location.kind !== 'sentinel' && location.kind !== 'cluster') {
      refuse(['readFrom'], 'expected master, as only Sentinels and a Cluster know of replicas');
    }
  });

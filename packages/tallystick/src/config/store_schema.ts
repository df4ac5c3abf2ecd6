import { parseStoreUrl, type StoreLocation } from '@tallystick/token-store';
import { z } from 'zod';

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
      .default(false)
      .describe('Encrypt split entries under a key that only the client holds. Records always are encrypted so.'),
  })
  .superRefine(({ url, tls, sentinel }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
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
  });

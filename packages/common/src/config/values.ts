import { z } from 'zod';
import { TOKEN } from '../header_grammar.ts';
import { readPattern } from '../own_names.ts';

const RESOURCE = 'expected an absolute URI without a fragment (RFC 8707 section 2)';

/** A resource indicator (RFC 8707). */
export const resource = z
  .url({ error: RESOURCE })
  .refine((uri) => !uri.includes('#'), { error: RESOURCE })
  .meta({
    description: 'Resource indicator (RFC 8707): an absolute URI that names the API.',
    examples: ['https://api.example.com/orders'],
  });

/** Scope tokens (RFC 6749 section 3.3). */
export const scopes = z
  .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'expected a scope token (RFC 6749 section 3.3)' }))
  .meta({ description: 'Scope tokens (RFC 6749 section 3.3).', examples: [['read', 'write']] });

export const accessTokenStyle = z.enum(['jwt', 'opaque', 'phantom', 'split']);
export const httpMethod = z.string().regex(/^[A-Z]+$/, { error: 'expected an HTTP method in capitals' });
export const signingAlgorithm = z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']);

/** A key, a certificate or CAs: PEM, a JWK, or the name of a file with it, which the process reads before it uses the value. */
export const material = z.string().min(1);

export const seconds = z.int().positive();
/** Maximum time in seconds; 0 means never. */
export const maxAge = z.int().min(0);
/** Seconds. More than ten years is probably a typing error, and no cookie lives that long. */
export const lifetime = seconds.max(10 * 365 * 24 * 60 * 60);
/** Node.js fires a timer with a longer delay after one millisecond. */
const longestTimer = 2 ** 31 - 1;
export const milliseconds = z.int().positive().max(longestTimer);
/** Longer than the defaults of AWS (60 s), NGINX (60 s), Traefik (90 s), Caddy (120 s), Azure (240 s) and Google Cloud (600 s). */
export const keepAlive = milliseconds
  .default(620_000)
  .describe(
    'Idle timeout of a client connection in milliseconds. It must be longer than that of a load balancer in front.',
  );
/** For roles that may be behind a load balancer. */
export const drainDelay = z
  .int()
  .min(0)
  .max(longestTimer)
  .default(0)
  .describe(
    'Time in milliseconds after SIGTERM in which requests are still served while /readyz fails. The container image sets 5,000.',
  );
export const roleTimeouts = z.strictObject({ keepAlive, drainDelay }).prefault({}).describe('Timeouts for clients.');
export const serverTimeouts = z.strictObject({ keepAlive }).prefault({}).describe('Timeouts for clients.');
export const bytes = z.int().min(0);
export const maxResponseHeaderBytes = bytes
  .min(1_024)
  .describe("Maximum size of all headers of an API's response in bytes. A larger response gets 502.");
export const port = z.int().min(0).max(65535).describe('TCP port to listen on. 0 picks a free port.');
/** No credentials: `fetch` refuses a URL that has them. */
export const httpUrl = z
  .url({ protocol: /^https?$/, hostname: /.+/, error: 'expected an http or https URL' })
  .refine((url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''), {
    error: 'expected an http or https URL without credentials',
  });

const ORIGIN = 'expected scheme and authority only, such as http://localhost:4000, without a trailing slash';
export const origin = z
  .url({ protocol: /^https?$/, hostname: /.+/, error: ORIGIN })
  .refine((url) => URL.canParse(url) && new URL(url).origin === url, { error: ORIGIN });

/** What an issuer identifier must be, for errors. */
export const issuerExpected =
  'expected scheme and authority, and a path if the issuer has one, such as http://localhost:4000 or https://example.com/auth, without a trailing slash';
/** RFC 8414 section 2: no query and no fragment. */
export const issuerIdentifier = z
  .url({ protocol: /^https?$/, hostname: /.+/, error: issuerExpected })
  .refine((url) => URL.canParse(url) && isIssuerIdentifier(new URL(url), url), { error: issuerExpected });

/** Whether a URL is written in one way only, and has a path of ordinary segments. */
function isIssuerIdentifier({ origin, pathname }: URL, written: string): boolean {
  if (pathname === '/') return written === origin;
  return written === origin + pathname && /^(?:\/[\w.~-]+)+$/.test(pathname);
}

export const credentials = z.strictObject({
  id: z.string().min(1).describe('Id of one of the clients.'),
  secret: z.string().min(1).describe('Its secret.'),
});

/** An address or a network in CIDR notation. */
export const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'expected an address or a network, such as 10.0.0.0/8',
});

/** A value of `Host` without the port: a name, a pattern for names, or an address. */
export const hostPattern = z.string().refine((pattern) => readPattern(pattern) !== undefined, {
  error: 'expected a host name or an address without a port, or *. and a host name',
});

/** RFC 9110 section 5.1. */
export const headerName = z.string().regex(TOKEN, { error: 'expected the name of a header' });

import { z } from 'zod';
import { client } from './client_schema.ts';
import { features } from './features_schema.ts';

const seconds = z.int().positive();
const milliseconds = z.int().positive();
const port = z.int().min(0).max(65535);
const httpUrl = z.url({ protocol: /^https?$/, hostname: /.+/ });
const origin = httpUrl.refine((url) => URL.canParse(url) && new URL(url).origin === url, {
  error: 'expected scheme and authority only, such as http://localhost:4000, without a trailing slash',
});
const resource = z
  .url()
  .describe('Resource indicator (RFC 8707): an absolute URI that names the API; the JWT carries it as `aud`.');
const scopes = z.array(
  z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'expected a scope token (RFC 6749 section 3.3)' }),
);
const credentials = z.strictObject({ id: z.string().min(1), secret: z.string().min(1) });

const store = z.strictObject({
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

const authorizationServer = z.strictObject({
  port: port.default(4000),
  backChannelUrl: origin
    .optional()
    .describe('How gateway and API reach the authorization server. Default: the issuer.'),
  signingAlgorithm: z
    .enum(['ES256', 'RS256', 'PS256', 'EdDSA'])
    .default('ES256')
    .describe('JWS algorithm of ID tokens and JWTs.'),
  introspectionMaxAge: seconds
    .default(60)
    .describe('Seconds that an application/jwt introspection answer may be cached, at most.'),
  acrValues: z
    .array(z.string().min(1))
    .default(['urn:tallystick:acr:low', 'urn:tallystick:acr:high'])
    .describe('Authentication context classes; a sign-in has the first unless the client asks for another.'),
  clientCertificateHeader: z
    .string()
    .regex(/^[\w-]+$/, { error: 'expected the name of a header' })
    .transform((name) => name.toLowerCase())
    .default('client-cert')
    .describe('Where a proxy passes the client certificate: as RFC 9440 has it, or URL-encoded PEM.'),
  pollingInterval: seconds
    .default(5)
    .describe('Seconds that a device or backchannel client is told to wait between polls (RFC 8628 section 3.2).'),
});

const route = z.strictObject({
  prefix: z
    .string()
    .regex(/^\/[\w\-/.]*$/, { error: 'expected a path that begins with a slash' })
    .describe('Path prefix, matched by whole segments; it stays in the path that the API sees.'),
  api: resource,
  upstream: origin.optional().describe('Origin of the API. Default: the sample API.'),
  scopes: z
    .record(z.string().regex(/^([A-Z]+|\*)$/, { error: 'expected an HTTP method in capitals, or *' }), scopes)
    .default({ '*': [] })
    .describe('Scopes that a call needs, by method; `*` stands for every method not named.'),
  onMiss: z.enum(['refuse', 'introspect']).default('refuse').describe('What a split lookup that finds nothing does.'),
});

const gateway = z.strictObject({
  port: port.default(4100),
  publicUrl: origin.optional().describe('How clients reach the gateway, for the metadata of RFC 9728.'),
  client: credentials.describe("The gateway's own client; it must be one that `introspects`."),
  cache: z
    .strictObject({
      maxEntries: z.int().positive().default(10_000),
      maxAge: seconds.default(300).describe('Seconds that a JWT is cached, at most.'),
      negative: z
        .strictObject({ maxEntries: z.int().positive().default(1_000), maxAge: seconds.default(5) })
        .prefault({})
        .describe('Tokens that were found to be no good.'),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      authorizationServer: milliseconds.default(3_000),
      upstream: milliseconds.default(30_000),
    })
    .prefault({})
    .describe('Milliseconds.'),
  routes: z.array(route).min(1),
});

const sampleApi = z.strictObject({
  port: port.default(4200),
  url: origin.default('http://localhost:4200').describe('How the gateway reaches the sample API.'),
  client: credentials.describe("The sample API's own client, with which it introspects opaque tokens."),
});

const api = z.strictObject({
  resource,
  accessTokens: z.enum(['jwt', 'opaque', 'phantom', 'split']).default('phantom').describe('Access token style.'),
  scopes,
  accessTokenLifetime: seconds.default(300),
  claims: z.array(z.string()).default([]).describe("User claims that go into this API's access tokens."),
  authorizationDetailsTypes: z
    .array(z.string().min(1))
    .default([])
    .describe('Types of `authorization_details` that the API understands (RFC 9396).'),
  encryption: z
    .strictObject({
      alg: z.enum(['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512', 'ECDH-ES', 'ECDH-ES+A256KW']),
      enc: z.enum(['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512']).default('A256GCM'),
      jwk: z.record(z.string(), z.unknown()).describe("The API's public key."),
    })
    .optional()
    .describe("Encrypts the API's access tokens, `jwt` only; its gateway cannot read them, the API can."),
});

const user = z.strictObject({
  id: z.string().min(1).describe('The `sub`, and the name at the login page.'),
  claims: z.record(z.string(), z.unknown()).default({}),
});

/** One configuration for all roles. */
export const configSchema = z
  .strictObject({
    issuer: origin
      .default('http://localhost:4000')
      .describe('Issuer identifier; the same however the server is reached.'),
    host: z.string().min(1).default('localhost').describe('Address to listen on.'),
    secret: z
      .string()
      .min(32)
      .optional()
      .describe('Protects cookies and the signing keys at rest, at least 32 characters. Needed on a shared store.'),
    log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn') }).prefault({}),
    store: store.prefault({}),
    authorizationServer: authorizationServer.prefault({}),
    features: features.prefault({}).describe('What of the protocol is switched on.'),
    gateway,
    sampleApi,
    apis: z.array(api).min(1),
    clients: z.array(client),
    users: z.array(user).default([]),
  })
  .superRefine(checkReferences);

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** What one part says of another must be true. */
function checkReferences(config: z.output<z.ZodObject<typeof configSchema.shape>>, context: z.RefinementCtx): void {
  const refuse = (path: (string | number)[], message: string, input: unknown) =>
    context.addIssue({ code: 'custom', path, message, input });

  if (config.store.url !== 'memory:' && config.secret === undefined) {
    refuse(['secret'], 'expected a secret of at least 32 characters: processes on one store share it', undefined);
  }
  refuseDuplicates(config.apis, 'resource', ['apis'], refuse);
  refuseDuplicates(config.clients, 'id', ['clients'], refuse);
  refuseDuplicates(config.users, 'id', ['users'], refuse);
  refuseDuplicates(config.gateway.routes, 'prefix', ['gateway', 'routes'], refuse);
  for (const [index, { encryption, accessTokens }] of config.apis.entries()) {
    if (encryption !== undefined && accessTokens !== 'jwt') {
      refuse(['apis', index, 'encryption'], 'expected it only where `accessTokens` is jwt', accessTokens);
    }
  }
  for (const [index, { api: named }] of config.gateway.routes.entries()) {
    if (!config.apis.some((known) => known.resource === named)) {
      refuse(['gateway', 'routes', index, 'api'], 'expected the resource of one of the apis', named);
    }
  }
  for (const role of ['gateway', 'sampleApi'] as const) {
    const { id, secret } = config[role].client;
    const known = config.clients.find((candidate) => candidate.id === id);
    if (!known?.introspects) refuse([role, 'client', 'id'], 'expected one of the clients that introspect', id);
    else if (known.secret !== secret)
      refuse([role, 'client', 'secret'], `expected the secret of the client "${id}"`, undefined);
  }
}

function refuseDuplicates<Name extends string>(
  entries: readonly Record<Name, string>[],
  name: Name,
  path: (string | number)[],
  refuse: (path: (string | number)[], message: string, input: unknown) => void,
): void {
  const seen = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (seen.has(entry[name])) refuse([...path, index, name], 'expected a value that no other entry has', entry[name]);
    seen.add(entry[name]);
  }
}

import { z } from 'zod';
import { checkEntries } from './check_entries.ts';
import { checkGrants } from './check_grants.ts';
import { client } from './client_schema.ts';
import { resource, scopes } from './common_schema.ts';
import { features } from './features_schema.ts';
import { type Refuse, refuseDuplicates } from './refuse.ts';

// A configuration is checked once: compiling the checks would take longer than making them.
z.config({ jitless: true });

const seconds = z.int().positive();
const milliseconds = z.int().positive();
const port = z.int().min(0).max(65535);
const httpUrl = z.url({ protocol: /^https?$/, hostname: /.+/ });
const origin = httpUrl.refine((url) => URL.canParse(url) && new URL(url).origin === url, {
  error: 'expected scheme and authority only, such as http://localhost:4000, without a trailing slash',
});
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
  signingKey: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The private key that signs first on a store that has no keys yet, as PEM (PKCS #8) or JWK. Default: a new one.',
    ),
  introspectionMaxAge: seconds
    .default(60)
    .describe('Seconds that an application/jwt introspection answer may be cached, at most.'),
  insecurePasswordGrant: z
    .boolean()
    .default(false)
    .describe('Switches the password grant on (RFC 6749 section 4.3), for tests of old clients only.'),
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

const publicKey = z
  .looseObject({ kty: z.enum(['EC', 'RSA', 'OKP', 'AKP']) })
  .refine((key) => !('d' in key) && !('priv' in key), { error: 'expected a public key' });

const trustedIssuer = z
  .strictObject({
    issuer: z.string().min(1).describe('The `iss` of its assertions.'),
    jwks: z
      .strictObject({ keys: z.array(publicKey).min(1) })
      .optional()
      .describe('Its public keys.'),
    jwksUri: httpUrl.optional().describe('Where its public keys are; instead of `jwks`.'),
    algorithms: z
      .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']))
      .min(1)
      .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
      .describe('JWS algorithms of its assertions.'),
    subjects: z
      .record(z.string(), z.string())
      .optional()
      .describe('Its names for users (`sub`), each with the user here. Default: its names are those here.'),
  })
  .refine(({ jwks, jwksUri }) => (jwks === undefined) !== (jwksUri === undefined), {
    path: ['jwks'],
    error: 'expected either jwks or jwksUri',
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
  jwks: z
    .strictObject({
      refreshInterval: seconds.default(300).describe('Seconds after which the keys are fetched anew.'),
      cooldown: seconds.default(5).describe('Seconds between the fetches that tokens with an unknown key may provoke.'),
    })
    .prefault({})
    .describe("How the authorization server's keys are kept."),
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

const controlApi = z.strictObject({
  enabled: z.boolean().default(false).describe('Serve the control API, with which tests provoke and watch.'),
  port: port.default(4300),
  host: z.string().min(1).default('localhost').describe('Address to listen on. Who reaches it can do anything.'),
  allowedHosts: z
    .array(z.string().min(1))
    .default([])
    .describe('Host names, beside those of this machine, under which it may be reached.'),
});

const pointer = z.string().regex(/^\/(user|client)(\/([^~/]|~[01])*)+$/, {
  error: 'expected a JSON pointer that begins with /user/ or /client/',
});

const api = z
  .strictObject({
    resource,
    accessTokens: z.enum(['jwt', 'opaque', 'phantom', 'split']).default('phantom').describe('Access token style.'),
    scopes,
    accessTokenLifetime: seconds.default(300),
    claims: z
      .union([z.array(z.string()), z.record(z.string(), pointer)])
      .default([])
      .describe(
        "What goes into this API's access tokens: names of user claims, or claims each with a JSON pointer (RFC 6901) into { user: { id, … }, client: { id, name, … } }, such as /user/address/country.",
      ),
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
  })
  .refine(({ encryption, accessTokens }) => encryption === undefined || accessTokens === 'jwt', {
    path: ['encryption'],
    error: 'expected it only where `accessTokens` is jwt',
  });

const user = z.strictObject({
  id: z.string().min(1).describe('The `sub`, and the name at the login page.'),
  claims: z.record(z.string(), z.unknown()).default({}),
  password: z.string().min(1).optional().describe('For the password grant only.'),
});

function refusing(context: z.RefinementCtx): Refuse {
  return (path, message, input) => context.addIssue({ code: 'custom', path, message, input });
}

/** First segments of paths that the authorization server itself serves. */
const TAKEN = [
  'auth',
  'token',
  'me',
  'session',
  'jwks',
  'interaction',
  'request',
  'reg',
  'device',
  'backchannel',
  'ciba',
  'healthz',
];

/** An issuer of its own at `{issuer}/{id}`, with its own clients, users, keys and records. */
export const tenantSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, { error: 'expected letters, digits and hyphens' })
      .refine((id) => !TAKEN.includes(id), { error: 'expected a name that is no path of the authorization server' })
      .describe("The tenant's path: its issuer is {issuer}/{id}."),
    apis: z.array(api).min(1),
    clients: z.array(client),
    users: z.array(user).default([]),
  })
  .superRefine((tenant, context) => checkEntries(tenant, refusing(context)));

export { api as apiSchema, client as clientSchema, user as userSchema };

export type Tenant = z.output<typeof tenantSchema>;
export type TenantInput = z.input<typeof tenantSchema>;

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
    controlApi: controlApi.prefault({}),
    apis: z.array(api).min(1),
    clients: z.array(client),
    users: z.array(user).default([]),
    tenants: z.array(tenantSchema).default([]).describe('Further issuers in the same process, at {issuer}/{id}.'),
    trustedIssuers: z
      .array(trustedIssuer)
      .default([])
      .describe('Authorities whose assertions about users the jwt_bearer grant takes (RFC 7523).'),
  })
  .superRefine(checkReferences);

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** What one part says of another must be true. */
function checkReferences(config: z.output<z.ZodObject<typeof configSchema.shape>>, context: z.RefinementCtx): void {
  const refuse = refusing(context);

  if (config.store.url !== 'memory:' && config.secret === undefined) {
    refuse(['secret'], 'expected a secret of at least 32 characters: processes on one store share it', undefined);
  }
  checkEntries(config, refuse);
  refuseDuplicates(config.tenants, 'id', ['tenants'], refuse);
  refuseDuplicates(config.gateway.routes, 'prefix', ['gateway', 'routes'], refuse);
  for (const [index, { api: named }] of config.gateway.routes.entries()) {
    if (!config.apis.some((known) => known.resource === named)) {
      refuse(['gateway', 'routes', index, 'api'], 'expected the resource of one of the apis', named);
    }
  }
  checkGrants(config, refuse);
  for (const role of ['gateway', 'sampleApi'] as const) {
    const { id, secret } = config[role].client;
    const known = config.clients.find((candidate) => candidate.id === id);
    if (!known?.introspects) refuse([role, 'client', 'id'], 'expected one of the clients that introspect', id);
    else if (known.secret !== secret)
      refuse([role, 'client', 'secret'], `expected the secret of the client "${id}"`, undefined);
  }
}

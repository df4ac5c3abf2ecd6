import {
  bytes,
  drainDelay,
  headerName,
  keepAlive,
  maxAge,
  maxResponseHeaderBytes,
  milliseconds,
  network,
  origin,
  port,
  type ReadonlyOutput,
  seconds,
} from '@tallystick/common/config';
import { z } from 'zod';
import { cors } from './cors.ts';
import { defaultIdentityHeaders } from './default_headers.ts';
import { gatewayDPoP } from './dpop.ts';
import { introspection, introspectionClient, ownJwts } from './introspection.ts';
import { issuer } from './issuer.ts';
import { route } from './route.ts';
import { tokenHandler } from './token_handler.ts';
import { tracing } from './tracing.ts';
import { upstreamHealth } from './upstream.ts';

/** The cache allocates memory for all of them when it is created. */
const cacheEntries = z.int().positive().max(10_000_000);
const cacheBytes = z.int().positive();

const decisionEndpoint = z
  .strictObject({
    path: z
      .string()
      .regex(/^(\/[\w-]+)+$/, { error: 'expected a path without a slash at its end' })
      .describe('Path of the endpoint. For `envoy`, the path of the original request follows it.'),
    /**
     * - `nginx`: `X-Original-Method`, and `X-Original-URI` or, as ingress-nginx has it, an absolute `X-Original-URL`
     * - `traefik`: `X-Forwarded-Method` and `X-Forwarded-Uri`, which ForwardAuth sets, and `X-Forwarded-Host`
     * - `caddy`, `haproxy`: the same, with the original `Host`
     * - `envoy`: ext_authz over HTTP sends the request itself, without its body, to the path with the original one behind it
     */
    for: z
      .enum(['nginx', 'traefik', 'caddy', 'haproxy', 'envoy'])
      .describe('The other gateway. It determines where the original request is found.'),
    accelRedirect: z
      .string()
      .regex(/^@[\w-]+$/, { error: 'expected a named location such as "@api"' })
      .optional()
      .describe(
        'Named location of NGINX that forwards allowed requests, such as `@api`. Default: NGINX uses `auth_request`.',
      ),
  })
  .refine((endpoint) => endpoint.accelRedirect === undefined || endpoint.for === 'nginx', {
    path: ['accelRedirect'],
    error: 'expected only with `for: nginx`',
  });

/** The API gateway. */
export const gateway = z.strictObject({
  port: port.default(4100),
  publicUrl: origin
    .optional()
    .describe(
      'Scheme and authority under which clients reach the gateway, for its metadata (RFC 9728) and DPoP (RFC 9449).',
    ),
  trustedProxies: z
    .array(network)
    .default([])
    .describe(
      'Addresses or networks (CIDR) of the proxies whose headers about the client are trusted. They must set these headers on every request.',
    ),
  identityHeaders: z
    .array(
      z.string().regex(/^[\w-]+\*?$/, { error: 'expected the name of a header; * at its end stands for any rest' }),
    )
    .default([...defaultIdentityHeaders])
    .describe(
      'Headers that tell an API who calls. The gateway removes them from requests of clients. `*` at the end stands for any rest; a character that is not a letter or digit counts as `-`.',
    ),
  operations: z
    .strictObject({
      port: port.describe('Port of /healthz, /readyz and /metrics.'),
      host: z
        .string()
        .min(1)
        .default('localhost')
        .describe('Address to listen on. `localhost` means 127.0.0.1 and ::1, as far as the machine has them.'),
    })
    .optional()
    .describe('Serves /healthz, /readyz and /metrics on a separate port. Default: on the port of the gateway.'),
  tracing: tracing.optional().describe('Sends traces to an OpenTelemetry collector. Default: no tracing.'),
  client: introspectionClient
    .optional()
    .describe(
      "The gateway's own client at the authorization server. It must be one that `introspects`. Required for routes that introspect there: those of phantom tokens, and those with `onMiss: introspect`.",
    ),
  introspection: introspection.prefault({}).describe('How the gateway introspects tokens at the authorization server.'),
  ownJwts: ownJwts
    .prefault({})
    .describe('JWTs that the gateway makes when an authorization server has none for a token.'),
  clientCertificateHeader: headerName
    .transform((name) => name.toLowerCase())
    .default('client-cert')
    .describe(
      'Header in which trusted proxies send the client certificate, with `features.mutualTls`: as in RFC 9440, or as URL-encoded PEM.',
    ),
  dpop: gatewayDPoP.prefault({}).describe('Checks of DPoP proofs (RFC 9449).'),
  cache: z
    .strictObject({
      maxEntries: cacheEntries.default(10_000).describe('Largest number of cached tokens.'),
      maxBytes: cacheBytes.default(64 * 1024 * 1024).describe('Approximate cache size in bytes.'),
      maxAge: maxAge
        .default(300)
        .describe(
          "Longest time in seconds that a JWT is cached. The max-age of the introspection answer and the token's expiry can shorten it. 0 disables caching.",
        ),
      negative: z
        .strictObject({
          maxEntries: cacheEntries.default(1_000).describe('Largest number of remembered tokens.'),
          maxBytes: cacheBytes.default(1024 * 1024).describe('Approximate size in bytes.'),
          maxAge: maxAge.default(5).describe('Seconds for which a token is remembered. 0 disables it.'),
        })
        .prefault({})
        .describe('Tokens that turned out to be invalid.'),
      shared: z
        .boolean()
        .default(false)
        .describe(
          'Gateways on one store share the JWTs of phantom tokens, each encrypted with a key derived from its access token.',
        ),
    })
    .prefault({})
    .describe('JWTs of phantom and split tokens in the memory of this gateway.'),
  jwks: z
    .strictObject({
      refreshInterval: seconds
        .default(300)
        .describe('Seconds after which the keys are fetched again. A key that was removed is dropped by then.'),
      cooldown: seconds
        .default(5)
        .describe(
          'Seconds between two fetches because of tokens with an unknown key. Up to four different unknown keys may cause a fetch earlier.',
        ),
    })
    .prefault({})
    .describe("Caching of the authorization servers' keys."),
  timeouts: z
    .strictObject({
      authorizationServer: milliseconds
        .default(3_000)
        .describe('Longest time for an introspection, and for a fetch of keys.'),
      upstream: milliseconds
        .default(30_000)
        .describe(
          'Longest time for connecting to an upstream, and longest time without a byte from it before the response begins.',
        ),
      client: milliseconds
        .default(60_000)
        .describe('Time in which a client must send 1 KiB of its body, or read a part of the response.'),
      upstreamConnection: milliseconds
        .default(300_000)
        .describe('Age at which a connection to an upstream is not used again, so that changes in DNS take effect.'),
      keepAlive,
      drainDelay,
      request: milliseconds
        .optional()
        .describe('Longest time for a whole request to arrive, including its body. Default: no limit.'),
    })
    .prefault({})
    .describe('Timeouts in milliseconds.'),
  limits: z
    .strictObject({
      maxBodyBytes: bytes.optional().describe('Largest request body that is forwarded, in bytes. Default: no limit.'),
      maxHeaderBytes: bytes
        .min(1_024)
        .default(65_536)
        .describe('Largest total size of the headers of a request, in bytes.'),
      maxResponseHeaderBytes: maxResponseHeaderBytes.default(65_536),
    })
    .prefault({})
    .describe('Size limits. Larger requests and responses are refused.'),
  webSockets: z
    .strictObject({
      closeWithToken: z
        .boolean()
        .default(true)
        .describe('Closes a WebSocket when its access token expires or is revoked.'),
      /** RFC 6455 section 7.4.1: other codes have another meaning, or must not be sent. */
      tokenCloseCode: z
        .int()
        .refine((code) => code === 1008 || (code >= 3000 && code <= 4999), {
          error: 'expected 1008, or a code from 3000 to 4999',
        })
        .default(4401)
        .describe('Close code sent to both sides in that case (RFC 6455 section 7.4): 1008, or from 3000 to 4999.'),
    })
    .prefault({})
    .describe('WebSockets that stay open longer than their access token is valid.'),
  cors: cors
    .optional()
    .describe(
      'Web pages of other origins that may call the APIs. A route can override it. Default: the headers of the APIs are left unchanged.',
    ),
  upstreamHealth: upstreamHealth.prefault({}).describe('Health checks of upstreams. A route can override them.'),
  issuers: z.array(issuer).default([]).describe('More authorization servers, for routes that name one.'),
  decisionEndpoints: z
    .array(decisionEndpoint)
    .default([])
    .describe(
      'Endpoints at which other gateways ask whether a request is allowed, and then forward it themselves. These gateways must be among the `trustedProxies`.',
    ),
  tokenHandlers: z
    .array(tokenHandler)
    .default([])
    .describe('Endpoints that sign users of browser applications in and keep their tokens in cookies.'),
  routes: z.array(route).min(1).describe('Where each API is served, and what a call needs.'),
});

export type GatewaySection = ReadonlyOutput<typeof gateway>;
export type DecisionEndpointConfig = ReadonlyOutput<typeof decisionEndpoint>;

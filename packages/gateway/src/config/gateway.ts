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
  seconds,
} from '@tallystick/common/config';
import { z } from 'zod';
import { cors } from './cors.ts';
import { gatewayDPoP } from './dpop.ts';
import { introspection, introspectionClient, ownJwts } from './introspection.ts';
import { issuer } from './issuer.ts';
import { route } from './route.ts';
import { tokenHandler } from './token_handler.ts';
import { tracing } from './tracing.ts';
import { upstreamHealth } from './upstream.ts';

/** The cache makes room for all of them when it is made. */
const cacheEntries = z.int().positive().max(10_000_000);

export const gateway = z.strictObject({
  port: port.default(4100),
  publicUrl: origin.optional().describe('How clients reach the gateway, for the metadata of RFC 9728.'),
  trustedProxies: z
    .array(network)
    .default([])
    .describe(
      'Addresses or networks (CIDR) of the proxies that are believed what their headers say of the client; they must set them on every request.',
    ),
  identityHeaders: z
    .array(
      z.string().regex(/^[\w-]+\*?$/, { error: 'expected the name of a header; * at its end stands for any rest' }),
    )
    .optional()
    .describe(
      'Headers that would tell an API who calls: those of a client are taken out. `*` at the end stands for any rest; a character that is not a letter or digit counts as `-`. Default: those of the gateways, proxies and platforms that are known.',
    ),
  operations: z
    .strictObject({
      port: port.describe('Port of /healthz, /readyz and /metrics.'),
      host: z.string().min(1).default('localhost').describe('Address to listen on.'),
    })
    .optional()
    .describe('Serves /healthz, /readyz and /metrics on a port of their own. Default: on the port of the gateway.'),
  tracing: tracing.optional().describe('Sends traces to an OpenTelemetry collector. Default: nothing is traced.'),
  client: introspectionClient.describe("The gateway's own client; it must be one that `introspects`."),
  introspection: introspection.prefault({}).describe('How the authorization server is asked about tokens.'),
  ownJwts: ownJwts
    .prefault({})
    .describe('The JWTs that the gateway makes where an authorization server has none to give.'),
  clientCertificateHeader: headerName
    .transform((name) => name.toLowerCase())
    .default('client-cert')
    .describe(
      'Where trusted proxies pass the client certificate, with `features.mutualTls`: as RFC 9440 has it, or URL-encoded PEM.',
    ),
  dpop: gatewayDPoP.prefault({}).describe('How DPoP proofs are checked (RFC 9449).'),
  cache: z
    .strictObject({
      maxEntries: cacheEntries.default(10_000).describe('Tokens whose JWTs are held, at most.'),
      maxBytes: z
        .int()
        .positive()
        .default(64 * 1024 * 1024)
        .describe('Bytes that the entries hold, roughly, at most.'),
      maxAge: maxAge.default(300).describe('Seconds that a JWT is cached, at most; with 0 none is.'),
      negative: z
        .strictObject({
          maxEntries: cacheEntries.default(1_000).describe('Tokens, at most.'),
          maxBytes: z
            .int()
            .positive()
            .default(1024 * 1024)
            .describe('Bytes that they hold, roughly, at most.'),
          maxAge: maxAge.default(5).describe('Seconds that one is remembered, at most; with 0 none is.'),
        })
        .prefault({})
        .describe('Tokens that were found to be no good.'),
      shared: z
        .boolean()
        .default(false)
        .describe('Gateways on the store share the JWTs of phantom tokens, each sealed under the client-held token.'),
    })
    .prefault({})
    .describe('The JWTs of phantom and split tokens that this gateway keeps in memory.'),
  jwks: z
    .strictObject({
      refreshInterval: seconds.default(300).describe('Seconds after which the keys are fetched anew.'),
      cooldown: seconds
        .default(5)
        .describe(
          'Seconds after which a token with an unknown key provokes a fetch in any case. Sooner, up to four different unknown keys do.',
        ),
    })
    .prefault({})
    .describe("How the authorization server's keys are kept."),
  timeouts: z
    .strictObject({
      authorizationServer: milliseconds
        .default(3_000)
        .describe('Milliseconds that introspection and fetching keys may take.'),
      upstream: milliseconds
        .default(30_000)
        .describe('For connecting to an upstream, and for each silence of it before the response begins.'),
      client: milliseconds
        .default(60_000)
        .describe('For a client to send 1 KiB of its body, or to read some of what it is sent.'),
      upstreamConnection: milliseconds
        .default(300_000)
        .describe(
          'After which a connection to an upstream serves no further request, so that a change in DNS is seen.',
        ),
      keepAlive,
      drainDelay,
      request: milliseconds
        .optional()
        .describe('For a whole request to arrive, its body included. Default: as long as it keeps coming.'),
    })
    .prefault({})
    .describe('How long others are waited for.'),
  limits: z
    .strictObject({
      maxBodyBytes: bytes.optional().describe('The largest request body that is passed on. Default: any.'),
      maxHeaderBytes: bytes.min(1_024).default(65_536).describe('Of all headers of a request together.'),
      maxResponseHeaderBytes: maxResponseHeaderBytes.default(65_536),
    })
    .prefault({})
    .describe('What is larger is refused.'),
  webSockets: z
    .strictObject({
      closeWithToken: z
        .boolean()
        .default(true)
        .describe('Closes a WebSocket when the access token that it was opened with expires or is revoked.'),
      tokenCloseCode: z
        .int()
        .refine((code) => code === 1008 || (code >= 3000 && code <= 4999), {
          error: 'expected 1008, or a code from 3000 to 4999',
        })
        .default(4401)
        .describe('The code that both sides are closed with then (RFC 6455 section 7.4).'),
    })
    .prefault({})
    .describe('WebSockets that outlive their access token.'),
  cors: cors.optional().describe('Which web pages of other origins may call the APIs; for routes that do not say.'),
  upstreamHealth: upstreamHealth
    .optional()
    .describe('When an upstream that does not answer is left alone; for routes that do not say.'),
  issuers: z.array(issuer).default([]).describe('Further authorization servers, whose tokens some routes take.'),
  decisionEndpoints: z
    .array(
      z
        .strictObject({
          path: z
            .string()
            .regex(/^(\/[\w-]+)+$/, { error: 'expected a path without a slash at its end' })
            .describe('Where it asks; for `envoy`, what the path of the original request follows.'),
          for: z
            .enum(['nginx', 'traefik', 'caddy', 'haproxy', 'envoy'])
            .describe('Which gateway asks, and so where the original request is found.'),
          accelRedirect: z
            .string()
            .regex(/^@[\w-]+$/, { error: 'expected a named location such as "@api"' })
            .optional()
            .describe(
              'The named location of NGINX that forwards what may pass, such as `@api`. Default: NGINX asks with `auth_request`.',
            ),
        })
        .refine((endpoint) => endpoint.accelRedirect === undefined || endpoint.for === 'nginx', {
          path: ['accelRedirect'],
          error: 'expected only with `for: nginx`',
        }),
    )
    .default([])
    .describe('Decide for other gateways, which do the forwarding. They must be among the `trustedProxies`.'),
  tokenHandlers: z
    .array(tokenHandler)
    .default([])
    .describe('Sign users of browser applications in and keep their tokens in cookies.'),
  routes: z.array(route).min(1).describe('Which API is served where, and what a call needs.'),
});

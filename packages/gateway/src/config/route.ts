import { readPattern } from '@tallystick/common';
import {
  accessTokenStyle,
  bytes,
  httpMethod,
  maxResponseHeaderBytes,
  milliseconds,
  origin,
  type ReadonlyOutput,
  resource,
  scopes,
} from '@tallystick/common/config';
import { z } from 'zod';
import { cors } from './cors.ts';
import { routeDPoP } from './dpop.ts';
import { cookieName, csrfHeader, pageOrigins } from './token_handler.ts';
import { rewriteResponse, upstreamHealth, upstreamTls } from './upstream.ts';

/** RFC 7519 section 4.1.3: any text. Keycloak uses `account`, others use client identifiers. */
const audience = z.string().min(1);

const rewrittenPrefix = z.string().regex(/^(?:\/(?!\.{1,2}(?:\/|$))[\w~.-]+)+$/, {
  error: 'expected segments such as /orders/v1',
});

const someScopes = z.strictObject({
  allOf: scopes.min(1).optional().describe('Scopes that are all required.'),
  anyOf: scopes.min(1).optional().describe('Scopes of which one is required.'),
});
const SCOPES = 'expected scopes (RFC 6749 section 3.3): a list, of which all are needed, or { allOf: […], anyOf: […] }';
const requiredScopes = z
  .union([scopes, someScopes.refine(({ allOf, anyOf }) => (allOf ?? anyOf) !== undefined, { error: SCOPES })], {
    error: SCOPES,
  })
  .describe('A list requires all of its scopes, `anyOf` requires one of them.');

/** An API of the gateway's own authorization server: how its tokens are served, and what their `aud` is. */
export const api = z.object({
  resource,
  audience: z
    .union([audience, z.array(audience).min(1)])
    .optional()
    .describe('The `aud` of its tokens.'),
  accessTokens: accessTokenStyle.describe('Access token style.'),
});

/** A place where calls arrive, the server behind it, and what a call needs. */
export const route = z.strictObject({
  host: z
    .string()
    .refine((pattern) => /^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(pattern) && readPattern(pattern) !== undefined, {
      error: 'expected a host name without a port, or *. and a host name',
    })
    .optional()
    .describe(
      'Host that clients ask for; `*.example.com` matches every name below it. The most specific host decides first, then the longest prefix. Default: any host.',
    ),
  prefix: z
    .string()
    .regex(/^(?!.*\.(?:\/|$))/, { error: 'expected no segment that ends in a dot: some servers leave that dot out' })
    .regex(/^(?:\/|(?:\/[\w~.-]+)+)$/, { error: 'expected "/", or segments such as /orders/v1' })
    .meta({
      description:
        'Path prefix. It matches whole segments: /orders matches /orders/1, not /orderss. The API sees it too, unless `rewrite` changes it.',
      examples: ['/orders'],
    }),
  public: z
    .literal(true, { error: 'expected true, or nothing' })
    .optional()
    .describe('Serves calls without an access token. Tokens are neither checked nor forwarded. Replaces `api`.'),
  api: resource.optional(),
  audience: z
    .union([audience, z.array(audience).min(1)], { error: 'expected a text, or a list of them' })
    .optional()
    .meta({
      description:
        'Expected `aud` of tokens, any text. With a list, one of them is enough. Default: for an API in `apis` its resource indicator if that is among its audiences, otherwise the first of them; for any other API its resource indicator.',
      examples: ['account', ['https://api.example.com/orders', '0oa1b2c3']],
    }),
  issuer: z.url().optional().describe('Issuer of the tokens, one of `gateway.issuers`. Default: `issuer`.'),
  accessTokens: accessTokenStyle.optional().describe('Access token style. For an API of another issuer only.'),
  upstream: origin
    .optional()
    .describe('Origin of the API. The path is sent there byte for byte. Default: the sample API.'),
  upstreams: z.array(origin).min(2).optional().describe('Several origins that take turns. Replaces `upstream`.'),
  upstreamHealth: upstreamHealth.optional().describe('Health checks of upstreams. Default: as for the gateway.'),
  upstreamTls: upstreamTls.optional().describe('TLS settings for upstreams on https.'),
  preserveHost: z
    .boolean()
    .default(false)
    .describe("Sends the client's `Host` to the API instead of the host of the upstream."),
  rewriteResponse: rewriteResponse.optional().describe('Changes to responses. Default: none.'),
  rewrite: z
    .union(
      [
        z.strictObject({ stripPrefix: z.literal(true).describe('Removes the prefix.') }),
        z.strictObject({ prefix: rewrittenPrefix.describe('Replacement for the prefix.') }),
      ],
      {
        error: 'expected { stripPrefix: true } or { prefix: /segments }',
      },
    )
    .optional()
    .describe('Removes or replaces the prefix in the path that the API sees.'),
  cors: cors.optional().describe('Web pages of other origins that may call the API. Default: as for the gateway.'),
  limits: z
    .strictObject({
      maxBodyBytes: bytes.optional().describe('Largest request body that is forwarded, in bytes.'),
      maxResponseHeaderBytes: maxResponseHeaderBytes.optional(),
    })
    .optional()
    .describe('Size limits. Default: as for the gateway.'),
  timeouts: z
    .strictObject({
      upstream: milliseconds
        .optional()
        .describe(
          'Longest time for connecting to an upstream, and longest time without a byte from it before the response begins.',
        ),
    })
    .optional()
    .describe('Timeouts in milliseconds. Default: as for the gateway.'),
  scopes: z
    .record(httpMethod.or(z.literal('*')), requiredScopes)
    .optional()
    .meta({
      description: 'Required scopes by method; `*` stands for every method that is not named. Default: none.',
      examples: [{ GET: ['read'], '*': ['write'] }],
    }),
  onMiss: z
    .enum(['refuse', 'introspect'])
    .optional()
    .describe('What a split lookup does that finds nothing. Default: refuse.'),
  dpop: routeDPoP.optional().describe('Settings for access tokens bound to a DPoP key.'),
  tokenSubprotocol: z
    .string()
    .regex(/^[\w!#$%&'*+.^`|~-]+\.$/, { error: 'expected a prefix such as access_token. with a dot at its end' })
    .optional()
    .meta({
      description:
        'Prefix of a WebSocket subprotocol that ends with the access token. Default: tokens are read from `Authorization` only.',
      examples: ['access_token.'],
    }),
  accessTokenInQuery: z
    .enum(['refuse', 'forward'])
    .optional()
    .describe(
      'What happens to a query that has `access_token`. `forward` is for APIs that use this parameter for something else: the gateway never reads it as a credential. Default: refuse.',
    ),
  tokenCookie: z
    .strictObject({ name: cookieName, origins: pageOrigins.optional(), csrfHeader: csrfHeader.optional() })
    .optional()
    .describe(
      'Reads the access token from this cookie instead of `Authorization`. Default for origins and header: those of the token handler with this cookie.',
    ),
});

export type ApiConfig = ReadonlyOutput<typeof api>;
export type RouteConfig = ReadonlyOutput<typeof route>;
export type AccessTokenStyle = ReadonlyOutput<typeof accessTokenStyle>;

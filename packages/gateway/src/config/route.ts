import { readPattern } from '@tallystick/common';
import {
  accessTokenStyle,
  bytes,
  httpMethod,
  maxResponseHeaderBytes,
  milliseconds,
  origin,
  resource,
  scopes,
} from '@tallystick/common/config';
import { z } from 'zod';
import { cors } from './cors.ts';
import { routeDPoP } from './dpop.ts';
import { cookieName, csrfHeader, pageOrigins } from './token_handler.ts';
import { rewriteResponse, upstreamHealth, upstreamTls } from './upstream.ts';

/** RFC 7519 section 4.1.3: any text. Keycloak has `account`, others client identifiers. */
const audience = z.string().min(1);

const rewrittenPrefix = z.string().regex(/^(?:\/(?!\.{1,2}(?:\/|$))[\w~.-]+)+$/, {
  error: 'expected segments such as /orders/v1',
});

const someScopes = z.strictObject({
  allOf: scopes.min(1).optional().describe('Scopes that are all needed.'),
  anyOf: scopes.min(1).optional().describe('Scopes of which one is needed.'),
});
const SCOPES = 'expected scopes (RFC 6749 section 3.3): a list, of which all are needed, or { allOf: […], anyOf: […] }';
const requiredScopes = z
  .union([scopes, someScopes.refine(({ allOf, anyOf }) => (allOf ?? anyOf) !== undefined, { error: SCOPES })], {
    error: SCOPES,
  })
  .describe('A list stands for all of its scopes; `anyOf` for one of them.');

export const route = z.strictObject({
  host: z
    .string()
    .refine((pattern) => /^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(pattern) && readPattern(pattern) !== undefined, {
      error: 'expected a host name without a port, or *. and a host name',
    })
    .optional()
    .describe(
      'The `Host` that clients ask for; `*.example.com` stands for every name below. The most specific host decides, then the longest prefix. Default: any.',
    ),
  prefix: z
    .string()
    .regex(/^(?!.*\.(?:\/|$))/, { error: 'expected no segment that ends in a dot: some servers leave that dot out' })
    .regex(/^(?:\/|(?:\/[\w~.-]+)+)$/, { error: 'expected "/", or segments such as /orders/v1' })
    .meta({
      description:
        'Path prefix, matched by whole segments; it stays in the path that the API sees, unless `rewrite` says otherwise.',
      examples: ['/orders'],
    }),
  public: z
    .literal(true, { error: 'expected true, or nothing' })
    .optional()
    .describe('Served to anyone; no token is looked at or passed on. Instead of `api`.'),
  api: resource.optional(),
  audience: z
    .union([audience, z.array(audience).min(1)], { error: 'expected a text, or a list of them' })
    .optional()
    .meta({
      description: 'The `aud` that a token must have, any text; of several, one. Default: the `api`.',
      examples: ['account', ['https://api.example.com/orders', '0oa1b2c3']],
    }),
  issuer: z.url().optional().describe('Which of the `gateway.issuers` issues the tokens. Default: `issuer`.'),
  accessTokens: accessTokenStyle.optional().describe('Access token style, for an API of another issuer.'),
  upstream: origin.optional().describe('Origin of the API. Default: the sample API.'),
  upstreams: z.array(origin).min(2).optional().describe('Instead of `upstream`: several, which take turns.'),
  upstreamHealth: upstreamHealth.optional().describe('Default: that of the gateway.'),
  upstreamTls: upstreamTls.optional().describe('How to speak TLS with upstreams on https.'),
  preserveHost: z
    .boolean()
    .default(false)
    .describe('The API gets the `Host` that the client sent, not that of the upstream.'),
  rewriteResponse: rewriteResponse.optional().describe('What is changed in responses. Default: nothing.'),
  rewrite: z
    .union(
      [
        z.strictObject({ stripPrefix: z.literal(true).describe('Takes the prefix out.') }),
        z.strictObject({ prefix: rewrittenPrefix.describe('Takes the place of the prefix.') }),
      ],
      {
        error: 'expected { stripPrefix: true } or { prefix: /segments }',
      },
    )
    .optional()
    .describe('Takes the prefix out of the path that the API sees, or puts another in its place.'),
  cors: cors.optional().describe('Which web pages of other origins may call the API. Default: that of the gateway.'),
  limits: z
    .strictObject({
      maxBodyBytes: bytes.optional().describe('The largest request body that is passed on.'),
      maxResponseHeaderBytes: maxResponseHeaderBytes.optional(),
    })
    .optional()
    .describe('Default: those of the gateway.'),
  timeouts: z
    .strictObject({
      upstream: milliseconds
        .optional()
        .describe('For connecting to an upstream, and for each silence of it before the response begins.'),
    })
    .optional()
    .describe('Milliseconds. Default: those of the gateway.'),
  scopes: z
    .record(httpMethod.or(z.literal('*')), requiredScopes)
    .optional()
    .meta({
      description:
        'Scopes that a call needs, by method; `*` stands for every method not named. Default: none are needed.',
      examples: [{ GET: ['read'], '*': ['write'] }],
    }),
  onMiss: z
    .enum(['refuse', 'introspect'])
    .optional()
    .describe('What a split lookup that finds nothing does. Default: refuse.'),
  dpop: routeDPoP.optional().describe('What is peculiar to tokens that are bound to a DPoP key.'),
  tokenSubprotocol: z
    .string()
    .regex(/^[\w!#$%&'*+.^`|~-]+\.$/, { error: 'expected a prefix such as access_token. with a dot at its end' })
    .optional()
    .meta({
      description:
        'A WebSocket may have the access token in a subprotocol that begins so and ends with the token. Default: in `Authorization` only.',
      examples: ['access_token.'],
    }),
  accessTokenInQuery: z
    .enum(['refuse', 'forward'])
    .optional()
    .describe(
      'What is done with a query that has `access_token`: `forward` is for APIs that have a parameter of that name for a purpose of their own. Default: refuse.',
    ),
  tokenCookie: z
    .strictObject({ name: cookieName, origins: pageOrigins.optional(), csrfHeader: csrfHeader.optional() })
    .optional()
    .describe(
      'The access token comes in this cookie, not in `Authorization`. Origins and header are those of the token handler with this cookie, unless they are named.',
    ),
});

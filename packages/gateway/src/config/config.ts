import { hostPattern, httpUrl, type ReadonlyOutput, refusing } from '@tallystick/common/config';
import { z } from 'zod';
import { checkGatewayClient, checkGatewayConfig } from './check_gateway.ts';
import { gateway } from './gateway.ts';
import { api } from './route.ts';

/** Everything that one gateway is configured with: its section, and what the process around it knows. */
export const gatewayConfig = z
  .strictObject({
    ...gateway.shape,
    issuer: z.string().min(1).describe("Issuer identifier of the gateway's own authorization server."),
    authorizationServer: z
      .strictObject({
        introspectionEndpoint: httpUrl.describe('Its introspection endpoint, as reached from the gateway.'),
        jwksUri: httpUrl.describe('URL of its JWKS, as reached from the gateway.'),
        backChannelUrl: httpUrl
          .optional()
          .describe("Where the gateway finds the issuer's other endpoints. Default: at the issuer identifier."),
      })
      .describe("The gateway's own authorization server."),
    apis: z.array(api).default([]).describe('The APIs for which the authorization server issues tokens.'),
    mutualTls: z
      .boolean()
      .default(false)
      .describe(
        'Accepts tokens bound to a client certificate (RFC 8705): the one of the TLS connection, or the one in `clientCertificateHeader` of a trusted proxy.',
      ),
    hosts: z
      .array(hostPattern)
      .default([])
      .describe(
        'Names and addresses under which clients reach the gateway, in addition to localhost, loopback addresses, `publicUrl` and the hosts of routes. Without `publicUrl`, a DPoP proof for any other host is refused, unless a trusted proxy names it.',
      ),
    homePage: z.boolean().default(false).describe('Serves a page with the routes at `/`, if no route takes this path.'),
    otherHosts: z
      .enum(['anybody', 'trustedProxies', 'nobody'])
      .default('anybody')
      .describe(
        'Whose requests for any other host are served; all others get 421. A gateway on a loopback address should not serve anybody: a web page could have a name of its own point to it (DNS rebinding).',
      ),
    secret: z
      .string()
      .min(32)
      .optional()
      .describe(
        'Protects cookies and DPoP nonces. At least 32 characters, the same in all gateways on one store. Default: a random one.',
      ),
    timeouts: gateway.shape.timeouts
      .unwrap()
      .extend({
        drain: z
          .int()
          .min(0)
          .optional()
          .describe('Longest time that `close` waits for requests in progress. Default: 10,000.'),
      })
      .prefault({})
      .describe('Timeouts in milliseconds.'),
  })
  .superRefine((config, context) => {
    const refuse = refusing(context);
    checkGatewayConfig(config, refuse);
    checkGatewayClient(config, refuse);
    for (const [index, { upstream, upstreams }] of config.routes.entries()) {
      if (upstream === undefined && upstreams === undefined)
        refuse(['routes', index, 'upstream'], 'expected an origin', undefined);
    }
  });

export type GatewayConfig = ReadonlyOutput<typeof gatewayConfig>;

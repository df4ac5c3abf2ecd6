import type { IncomingMessage } from 'node:http';
import { createOwnNames, type IsOwnName, readHost } from '@tallystick/common';
import {
  certificateOfHeader,
  checkedAtTheGateway,
  createSenderConstraint,
  type SenderConstraint,
  signatureOf,
} from '@tallystick/resource-server';
import type { SampleApiConfig, SampleApiDependencies, SampleApiRoute } from './create_sample_api.ts';

/**
 * How an API behind the gateway checks what its tokens are bound to: for itself where it gets the proof (the proof for a `split`
 * token is about its signature), and else by relying on the gateway.
 */
export function createApiConstraint(
  route: Omit<SampleApiRoute, 'audience' | 'scopes'>,
  { gatewayNames, takesClientCertificates }: Pick<SampleApiConfig, 'gatewayNames' | 'takesClientCertificates'>,
  { now }: Pick<SampleApiDependencies, 'now'>,
): SenderConstraint<IncomingMessage> {
  if (!route.getsProof) return checkedAtTheGateway;
  const isGatewayName = createOwnNames(gatewayNames);
  return createSenderConstraint<IncomingMessage>(
    {
      dpop: {
        uriOf: (request) => uriOf(request, route, isGatewayName),
        ...(route.style === 'split' && { clientHeldToken: signatureOf }),
      },
      ...(takesClientCertificates && { certificateOf }),
    },
    { ...(now && { now }) },
  );
}

/**
 * What the client asked the gateway for. A caller that reaches the API directly can say anything here: a proof that was made for
 * another server, which it got hold of, must not become good by it.
 *
 * @returns undefined for a host that is not the gateway's
 */
function uriOf(
  { headers, url = '' }: IncomingMessage,
  { prefix, publicPrefix }: Pick<SampleApiRoute, 'prefix' | 'publicPrefix'>,
  isGatewayName: IsOwnName,
): string | undefined {
  const proto = headers['x-forwarded-proto']?.toString() ?? 'http';
  const host = headers['x-forwarded-host']?.toString() ?? headers.host ?? '';
  const named = readHost(host);
  if (named === undefined || !isGatewayName(named.name)) return undefined;
  return `${proto}://${host}${publicPrefix.replace(/\/$/, '')}${url.slice(prefix.replace(/\/$/, '').length)}`;
}

/** The gateway sets it anew (RFC 9440 section 2.1). An API that others can reach must not believe it. */
function certificateOf({ headers }: IncomingMessage) {
  const value = headers['client-cert']?.toString();
  return value === undefined ? undefined : certificateOfHeader(value);
}

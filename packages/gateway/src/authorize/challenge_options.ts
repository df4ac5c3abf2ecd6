import type { IncomingMessage } from 'node:http';
import {
  type AccessTokenScheme,
  type ChallengeOptions,
  metadataPath,
  presentedScheme,
} from '@tallystick/resource-server';
import type { ProtectedRoute, Route } from '../routes/route.ts';

/**
 * What a challenge says besides the error: where the metadata of the API is (RFC 9728 section 5.1), and under which schemes it
 * takes tokens.
 *
 * @param origin scheme and authority under which clients reach the gateway
 * @param algorithms of DPoP proofs
 */
export function challengeOptions(
  request: IncomingMessage,
  route: Route | undefined,
  origin: string | undefined,
  algorithms: readonly string[],
): ChallengeOptions {
  if (route === undefined || route.isPublic) return {};
  return {
    schemes: schemesOf(route),
    presented: presentedScheme(request),
    algorithms,
    ...(origin !== undefined && { resourceMetadata: `${origin}${metadataPath(route.resource)}` }),
  };
}

/** A token in a cookie comes without a proof. */
function schemesOf({ dpop, tokenCookie }: ProtectedRoute): readonly AccessTokenScheme[] {
  if (tokenCookie !== undefined) return ['Bearer'];
  return dpop.required ? ['DPoP'] : ['Bearer', 'DPoP'];
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type AccessTokenScheme,
  type ChallengeOptions,
  metadataPath,
  presentedScheme,
  type ResourceServerError,
} from '@tallystick/resource-server';
import { answerRefusal } from './http/answer.ts';
import { corsHeaders } from './http/cors.ts';
import type { PublicOrigin } from './http/public_origin.ts';
import type { Lifecycle } from './lifecycle.ts';
import { hasMetadata } from './publish/resource_metadata.ts';
import type { RequestContext } from './request_processor.ts';
import type { ProtectedRoute, Route } from './routes/route.ts';

/** Refuses a request with a JSON body and a challenge for the client (RFC 6750 section 3). */
export type RefuseRequest = (context: RequestContext, response: ServerResponse, error: ResourceServerError) => void;

export interface RefuseRequestDependencies {
  readonly publicOrigin: PublicOrigin;
  /** The JWS algorithms of DPoP proofs. */
  readonly algorithms: readonly string[];
  readonly lifecycle: Pick<Lifecycle, 'isDraining'>;
}

export function createRefuseRequest(dependencies: RefuseRequestDependencies): RefuseRequest {
  const { publicOrigin, algorithms, lifecycle } = dependencies;
  return ({ request, decision }, response, error) => {
    decision.error = error;
    if (lifecycle.isDraining) response.shouldKeepAlive = false;
    const { route, original = request } = decision;
    const challenge = challengeOptions(original, route, publicOrigin(original), algorithms);
    answerRefusal(response, error, challenge, corsHeaders(route?.forwarding.cors, original.headers.origin));
  };
}

/**
 * The parts of a challenge besides the error: the URL of the API's metadata (RFC 9728 section 5.1), and the accepted schemes.
 *
 * @param origin scheme and authority under which the client reached the gateway
 * @param algorithms the JWS algorithms of DPoP proofs
 */
function challengeOptions(
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
    ...(origin !== undefined && hasMetadata(route.api) && { resourceMetadata: `${origin}${metadataPath(route.api)}` }),
  };
}

/** A token in a cookie has no proof, so DPoP is not offered for it. */
function schemesOf({ config, tokenCookie }: ProtectedRoute): readonly AccessTokenScheme[] {
  if (tokenCookie !== undefined) return ['Bearer'];
  return config.dpop?.required ? ['DPoP'] : ['Bearer', 'DPoP'];
}

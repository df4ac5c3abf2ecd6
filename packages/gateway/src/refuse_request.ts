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
import type { RequestLife } from './request_life.ts';
import type { ProtectedRoute, Route } from './routes/route.ts';

/** Answers a request with why it is refused: in JSON, with a challenge for the client (RFC 6750 section 3). */
export type RefuseRequest = (life: RequestLife, response: ServerResponse, error: ResourceServerError) => void;

export interface RefuseRequestDependencies {
  readonly publicOrigin: PublicOrigin;
  /** Of DPoP proofs. */
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
 * What a challenge says besides the error: where the metadata of the API is (RFC 9728 section 5.1), and under which schemes it
 * takes tokens.
 *
 * @param origin scheme and authority under which clients reach the gateway
 * @param algorithms of DPoP proofs
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
    ...(origin !== undefined &&
      hasMetadata(route.resource) && { resourceMetadata: `${origin}${metadataPath(route.resource)}` }),
  };
}

/** A token in a cookie comes without a proof. */
function schemesOf({ dpop, tokenCookie }: ProtectedRoute): readonly AccessTokenScheme[] {
  if (tokenCookie !== undefined) return ['Bearer'];
  return dpop.required ? ['DPoP'] : ['Bearer', 'DPoP'];
}

import { type ChallengeOptions, metadataPath } from '@tallystick/resource-server';

/**
 * What a challenge says besides the error: where the metadata of the API is (RFC 9728 section 5.1).
 *
 * @param origin scheme and authority under which clients reach the gateway
 */
export function challengeOptions(resource: string | undefined, origin: string | undefined): ChallengeOptions {
  if (resource === undefined || origin === undefined) return {};
  return { resourceMetadata: `${origin}${metadataPath(resource)}` };
}

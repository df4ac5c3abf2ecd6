import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type ChallengeOptions, metadataPath } from '@tallystick/resource-server';

/** What may be an authority in a URL that is sent back; anything else a client sends as `Host` is not repeated. */
const authority = /^(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * What a challenge says besides the error: where the metadata of the API is (RFC 9728 section 5.1).
 *
 * @param publicUrl scheme and authority under which clients reach the gateway; if there is none, what the request says
 */
export function challengeOptions(
  request: IncomingMessage,
  resource: string | undefined,
  publicUrl: string | undefined,
): ChallengeOptions {
  const origin = publicUrl === undefined ? requestedOrigin(request) : new URL(publicUrl).origin;
  if (resource === undefined || origin === undefined) return {};
  return { resourceMetadata: `${origin}${metadataPath(resource)}` };
}

function requestedOrigin(request: IncomingMessage): string | undefined {
  const { host = '' } = request.headers;
  if (!authority.test(host)) return undefined;
  return `${(request.socket as TLSSocket).encrypted ? 'https' : 'http'}://${host}`;
}

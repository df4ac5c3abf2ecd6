import type { IncomingMessage } from 'node:http';
import type { Credentials } from './credentials.ts';
import type { Destination } from './forward/forwarder.ts';
import type { ProtectedRoute } from './route.ts';

/**
 * What the API gets for credentials. The JWT goes as a bearer token: the client has shown here that it is its own. Where the API
 * is to see that for itself, it gets the proof too (RFC 9449 section 7.1).
 *
 * @param accessToken for the API
 */
export function upstreamCredentials(
  { headers }: Pick<IncomingMessage, 'headers'>,
  { style, dpop }: Pick<ProtectedRoute, 'style' | 'dpop'>,
  { scheme }: Credentials,
  accessToken: string,
): Pick<Destination, 'authorization' | 'dpop'> {
  if (scheme === 'DPoP' && (dpop.forward || style === 'opaque')) {
    return { authorization: `DPoP ${accessToken}`, dpop: headers.dpop?.toString() };
  }
  return { authorization: `Bearer ${accessToken}` };
}

import type { Credentials } from '../authorize/credentials.ts';
import type { Decision } from '../decision.ts';
import type { ProtectedRoute } from '../routes/route.ts';

/** The lookup of a client-held token, all the way from the cache to the authorization server. */
export interface Lookup {
  /** Which API the token is for. */
  readonly route: ProtectedRoute;
  readonly credentials: Credentials;
  /** Who sent the token, as far as the gateway knows. Senders take turns at the authorization server. */
  readonly sender: string;
  /** Is told where the token was found. It has the trace of the request, where requests are traced. */
  readonly decision: Decision;
}

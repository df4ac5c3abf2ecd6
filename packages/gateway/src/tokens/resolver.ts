import type { Credentials } from '../authorize/credentials.ts';
import type { Decision } from '../decision.ts';
import type { ProtectedRoute } from '../routes/route.ts';

/** The lookup of a client-held token, from the cache to the authorization server. */
export interface Lookup {
  /** The route of the API that the token is for. */
  readonly route: ProtectedRoute;
  readonly credentials: Credentials;
  /** The sender of the token, as far as the gateway knows it. Senders take turns at the authorization server. */
  readonly sender: string;
  /** Records where the token was found. It has the trace of the request, where requests are traced. */
  readonly decision: Decision;
}

/** A JWT that stands for a client-held token. It is not validated yet. */
export interface Candidate {
  readonly jwt: string;
  /** The party at fault if the authorization server did not issue the JWT. */
  readonly source: 'client' | 'store' | 'authorization server';
  /** The party that made the JWT. Default: the authorization server. */
  readonly maker?: 'gateway';
  /** Seconds for which the source allows it to be cached; 0 for not at all. */
  readonly maxAge: number;
}

/** How an access token style turns a client-held token into the JWT. */
export interface Resolver {
  /**
   * @returns undefined when there is no active token behind the credentials
   * @throws {AccessTokenError} `invalid_token` when the token is for another API
   * @throws {ValidationUnavailableError} when the store or the authorization server gives no answer
   * @throws {ValidatorRefusedError} when the gateway's own credentials were refused
   */
  find(lookup: Lookup): Promise<Candidate | undefined>;
  /** The part of the JWT that is kept in the cache: the part that the client does not send. */
  keep(jwt: string): string;
  /** Puts the JWT together again from the kept part and the client-held token. */
  join(kept: string, token: string): string;
}

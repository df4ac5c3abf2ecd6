import type { Lookup } from './lookup.ts';

/** A JWT that stands for a client-held token. Nothing about it is believed yet. */
export interface Candidate {
  readonly jwt: string;
  /** Who is to blame if it is not one of the authorization server's. */
  readonly source: 'client' | 'store' | 'authorization server';
  /** Whose JWT it must be. Default: the authorization server's. */
  readonly maker?: 'gateway';
  /** Seconds for which it may be cached, as far as its source says; 0 for not at all. */
  readonly maxAge: number;
}

/** How an access token style turns what the client holds into the JWT. */
export interface Resolver {
  /**
   * @returns undefined when there is no active token behind the credentials
   * @throws {AccessTokenError} `invalid_token` when there is one, but not for this API
   * @throws {ValidationUnavailableError} when that could not be found out
   * @throws {ValidatorRefusedError} when the gateway's own credentials were refused
   */
  find(lookup: Lookup): Promise<Candidate | undefined>;
  /** The part of the JWT that rests in the cache: what the client does not bring along. */
  keep(jwt: string): string;
  /** The JWT again, from the part that was kept and the client-held token. */
  join(kept: string, token: string): string;
}

/** The base of what a token store throws; `code` is stable. */
export abstract class TokenStoreError extends Error {
  abstract readonly code: string;
}

/** The store did not acknowledge: it cannot be reached, is too slow, is read-only or is full. */
export class StoreUnavailableError extends TokenStoreError {
  readonly code = 'store_unavailable';
  override name = 'StoreUnavailableError';
  /** Why, in words that name no address, user or password: anybody may read them. */
  readonly reason: string;

  constructor(message: string, { reason = message, ...options }: ErrorOptions & { readonly reason?: string } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** A record was to be written for a grant that has been revoked. */
export class GrantRevokedError extends TokenStoreError {
  readonly code = 'grant_revoked';
  override name = 'GrantRevokedError';
}

/** A record that can be used once was used meanwhile. */
export class AlreadyConsumedError extends TokenStoreError {
  readonly code = 'already_consumed';
  override name = 'AlreadyConsumedError';
}

/** A value shared by all processes on the store was kept under another secret than this process has. */
export class WrongSecretError extends TokenStoreError {
  readonly code = 'wrong_secret';
  override name = 'WrongSecretError';
}

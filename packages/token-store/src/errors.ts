/** Base of the errors of a token store. `code` is stable. */
export abstract class TokenStoreError extends Error {
  abstract readonly code: string;
}

/** The store did not acknowledge an operation: it is unreachable, too slow, read-only or full. */
export class StoreUnavailableError extends TokenStoreError {
  readonly code = 'store_unavailable';
  override name = 'StoreUnavailableError';
  /** The reason, without addresses, user names or passwords, so that it can be shown to anyone. */
  readonly reason: string;

  constructor(message: string, { reason = message, ...options }: ErrorOptions & { readonly reason?: string } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** The record was not written because its grant, client or user has been revoked. */
export class GrantRevokedError extends TokenStoreError {
  readonly code = 'grant_revoked';
  override name = 'GrantRevokedError';
}

/** Another request has consumed the record. */
export class AlreadyConsumedError extends TokenStoreError {
  readonly code = 'already_consumed';
  override name = 'AlreadyConsumedError';
}

/** A value that all processes share was sealed under another secret than this process has. */
export class WrongSecretError extends TokenStoreError {
  readonly code = 'wrong_secret';
  override name = 'WrongSecretError';
}

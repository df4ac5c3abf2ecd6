import { AlreadyConsumedError, GrantRevokedError, StoreUnavailableError } from '@tallystick/token-store';
import { errors } from 'oidc-provider';

/**
 * A dependency, such as the store, is unavailable, so nothing is issued: 503 `temporarily_unavailable`. RFC 6749 section
 * 4.1.2.1 defines the code for the authorization endpoint; the other endpoints use it too.
 */
export class TemporarilyUnavailable extends errors.OIDCProviderError {
  constructor(cause: unknown, description = 'the token store is not available; try again shortly') {
    super(503, 'temporarily_unavailable');
    this.cause = cause;
    this.expose = true;
    this.error_description = description;
  }
}

/** The code or refresh token was used before. */
export class GrantAlreadyUsed extends errors.InvalidGrant {
  constructor() {
    super('already used');
  }
}

/** Another request used the code or refresh token while this one was in flight. */
export class ConcurrentUse extends GrantAlreadyUsed {}

/** Awaits a store operation, and maps its errors to those that oidc-provider answers with. */
export async function mapStoreErrors<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw new TemporarilyUnavailable(error);
    if (error instanceof AlreadyConsumedError) throw new ConcurrentUse();
    if (error instanceof GrantRevokedError) throw new errors.InvalidGrant('the grant was revoked');
    throw error;
  }
}

import { AlreadyConsumedError, GrantRevokedError, StoreUnavailableError } from '@tallystick/token-store';
import { errors } from 'oidc-provider';

/**
 * What is needed does not answer, so nothing is issued: 503 `temporarily_unavailable`, which RFC 6749 section 4.1.2.1
 * defines for the authorization endpoint and which fits the others.
 */
export class TemporarilyUnavailable extends errors.OIDCProviderError {
  constructor(cause: unknown, description = 'the token store is not available; try again shortly') {
    super(503, 'temporarily_unavailable');
    this.cause = cause;
    this.expose = true;
    this.error_description = description;
  }
}

/** A code or refresh token that was used before is refused. */
export class GrantAlreadyUsed extends errors.InvalidGrant {
  constructor() {
    super('already used');
  }
}

/** Another request used it up while this one was under way. */
export class ConcurrentUse extends GrantAlreadyUsed {}

/** Runs a store operation; what it throws becomes what oidc-provider knows how to answer. */
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

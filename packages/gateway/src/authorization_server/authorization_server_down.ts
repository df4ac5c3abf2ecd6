import { ValidationUnavailableError } from '@tallystick/resource-server';

/**
 * The authorization server cannot be reached, is too slow, or says itself that it cannot serve. It is nothing that one token
 * could bring about, and so the only failure that counts for the circuit breaker.
 */
export class AuthorizationServerDownError extends ValidationUnavailableError {
  /** Whether asking once more can neither do harm nor be unwelcome. */
  readonly mayRetry: boolean;

  constructor(description: string, options: { retryAfter?: number; cause?: unknown; mayRetry?: boolean } = {}) {
    super(description, options);
    this.mayRetry = options.mayRetry ?? false;
  }
}

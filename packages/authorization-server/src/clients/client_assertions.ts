import { type Configuration, errors } from 'oidc-provider';
import { MAX_VALIDITY } from '../grants/trusted_assertion.ts';

/**
 * Refuses client assertions with a long validity (RFC 7523 section 3, number 4). The store remembers each assertion while it is
 * valid, to accept it once only, and anyone can register a client and sign such assertions. oidc-provider has verified the
 * signature before it calls this.
 *
 * @param now the current time in epoch milliseconds
 */
export function clientAssertionRules(now: () => number): Pick<Configuration, 'assertJwtClientAuthClaimsAndHeader'> {
  return {
    async assertJwtClientAuthClaimsAndHeader(_ctx, { exp }) {
      if (Number(exp) - now() / 1000 <= MAX_VALIDITY) return;
      const error = new errors.InvalidClientAuth('the assertion is valid for too long');
      error.error_description = `the client_assertion is valid for more than ${MAX_VALIDITY} seconds`;
      throw error;
    },
  };
}

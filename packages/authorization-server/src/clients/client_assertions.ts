import { type Configuration, errors } from 'oidc-provider';
import { LONGEST_VALIDITY } from '../grants/trusted_assertion.ts';

/**
 * The part that refuses a client's assertion which is valid for too long (RFC 7523 section 3, number 4). By then its signature is
 * verified. It is remembered for as long as it is valid, so that it works once, and anybody can register a client and sign such
 * assertions.
 *
 * @param now epoch milliseconds
 */
export function clientAssertionRules(now: () => number): Pick<Configuration, 'assertJwtClientAuthClaimsAndHeader'> {
  return {
    async assertJwtClientAuthClaimsAndHeader(_ctx, { exp }) {
      if (Number(exp) - now() / 1000 <= LONGEST_VALIDITY) return;
      const error = new errors.InvalidClientAuth('the assertion is valid for too long');
      error.error_description = `the client_assertion is valid for more than ${LONGEST_VALIDITY} seconds`;
      throw error;
    },
  };
}

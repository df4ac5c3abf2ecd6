import { createHmac } from 'node:crypto';

/**
 * The subject that the clients of one sector know a user by (OpenID Connect Core section 8.1): the same for all of
 * them, and of no use to others. The servers' secret is the salt.
 */
export function createPairwiseSubjects(secret: string) {
  return async (_ctx: unknown, accountId: string, client: unknown) => {
    const { sectorIdentifier } = client as { readonly sectorIdentifier: string }; // Not in the types.
    const name = JSON.stringify(['pairwise', sectorIdentifier, accountId]);
    return createHmac('sha256', secret).update(name).digest('base64url');
  };
}

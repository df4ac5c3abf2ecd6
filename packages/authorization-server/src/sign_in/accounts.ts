import { createHmac } from 'node:crypto';
import type { RecordPayload, TokenStore } from '@tallystick/token-store';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';

export type Claims = { readonly [name: string]: unknown };

/** The users who can sign in, and their claims. */
export interface Accounts {
  /** @returns whether the user is configured or was entered at the login page */
  exists(id: string): Promise<boolean>;
  /** Claims from the configuration, and claims that were added at the sign-in of the grant. */
  claims(id: string, grantId: string | undefined): Promise<{ readonly configured: Claims; readonly added: Claims }>;
  /** Stores a user who is not configured. */
  addUser(id: string): Promise<void>;
  /** Stores claims for everything that is issued under a grant. */
  addClaims(grantId: string, claims: Claims): Promise<void>;
}

/** Users and claims that were entered at the login page are stored as long as a grant or session can live. */
export function createAccounts(
  { users, clients, lifetimes, secret }: Pick<AuthorizationServerConfig, 'users' | 'clients' | 'lifetimes' | 'secret'>,
  store: TokenStore,
): Accounts {
  const retention = Math.max(lifetimes.grant, lifetimes.session);
  const configured = new Map(users.map((user) => [user.id, user]));
  const clientIds = new Set(clients.map((client) => client.id));
  const enteredUsers = store.records('TypedUser', secret);
  const addedClaims = store.records('AddedClaims', secret);
  return {
    async exists(id) {
      if (configured.has(id)) return true;
      if (clientIds.has(id)) return false; // A client with this identifier was configured after the user was entered.
      return (await mapStoreErrors(enteredUsers.find(id))) !== undefined;
    },
    async claims(id, grantId) {
      const record = grantId === undefined ? undefined : await mapStoreErrors(addedClaims.find(grantId));
      return { configured: configured.get(id)?.claims ?? {}, added: (record as AddedClaims | undefined)?.claims ?? {} };
    },
    async addUser(id) {
      if (!configured.has(id)) await mapStoreErrors(enteredUsers.upsert(id, {}, retention));
    },
    async addClaims(grantId, claims) {
      await mapStoreErrors(addedClaims.upsert(grantId, { claims }, retention));
    },
  };
}

/** The claims that were added at the login page in this interaction, if any. @param submission the result of an interaction */
export function addedClaimsOf(submission: unknown): Claims | undefined {
  return (submission as { claims?: Claims } | undefined)?.claims;
}

type AddedClaims = RecordPayload & { readonly claims: Claims };

/**
 * Creates pairwise subjects (OpenID Connect Core section 8.1): all clients of a sector see the same subject of a user, and
 * other clients see a different one. The servers' secret is the salt.
 */
export function createPairwiseSubjects(secret: string) {
  return async (_ctx: unknown, accountId: string, client: unknown) => {
    const { sectorIdentifier } = client as { readonly sectorIdentifier: string }; // Not in the types.
    const name = JSON.stringify(['pairwise', sectorIdentifier, accountId]);
    return createHmac('sha256', secret).update(name).digest('base64url');
  };
}

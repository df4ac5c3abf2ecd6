import { createHmac } from 'node:crypto';
import type { RecordPayload, TokenStore } from '@tallystick/token-store';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';

export type Claims = { readonly [name: string]: unknown };

/** Who can be signed in, and what is said about them. */
export interface Accounts {
  /** @returns whether the user is configured, or was typed in at the login page */
  exists(id: string): Promise<boolean>;
  /** What is configured about the user, and what was added when the grant was given. */
  claims(id: string, grantId: string | undefined): Promise<{ readonly configured: Claims; readonly added: Claims }>;
  /** Remembers a user who is not configured. */
  addUser(id: string): Promise<void>;
  /** Remembers claims for everything that is issued under a grant. */
  addClaims(grantId: string, claims: Claims): Promise<void>;
}

/** A user who was typed in, and what was added to a sign-in, are remembered as long as a grant or a session. */
export function createAccounts(
  { users, clients, lifetimes, secret }: Pick<AuthorizationServerConfig, 'users' | 'clients' | 'lifetimes' | 'secret'>,
  store: TokenStore,
): Accounts {
  const remembered = Math.max(lifetimes.grant, lifetimes.session);
  const configured = new Map(users.map((user) => [user.id, user]));
  const clientIds = new Set(clients.map((client) => client.id));
  const typed = store.records('TypedUser', secret);
  const added = store.records('AddedClaims', secret);
  return {
    async exists(id) {
      if (configured.has(id)) return true;
      if (clientIds.has(id)) return false; // The client came after the user, who has to take another name.
      return (await mapStoreErrors(typed.find(id))) !== undefined;
    },
    async claims(id, grantId) {
      const record = grantId === undefined ? undefined : await mapStoreErrors(added.find(grantId));
      return { configured: configured.get(id)?.claims ?? {}, added: (record as AddedClaims | undefined)?.claims ?? {} };
    },
    async addUser(id) {
      if (!configured.has(id)) await mapStoreErrors(typed.upsert(id, {}, remembered));
    },
    async addClaims(grantId, claims) {
      await mapStoreErrors(added.upsert(grantId, { claims }, remembered));
    },
  };
}

type AddedClaims = RecordPayload & { readonly claims: Claims };

/** Scopes that are about the user, not about an API (OpenID Connect Core sections 3.1.2.1, 5.4 and 11). */
export const USER_SCOPES = ['openid', 'offline_access', 'profile', 'email'];

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

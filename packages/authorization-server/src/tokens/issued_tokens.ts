import type { Provider } from 'oidc-provider';
import { mapStoreErrors } from '../storage/store_errors.ts';

/** A token that the store knows. */
export interface KnownToken {
  readonly kind: 'access_token' | 'refresh_token';
  readonly clientId: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** Looks tokens up and revokes them in the place of their client, for tests. */
export interface IssuedTokens {
  /**
   * @param token as the client holds it
   * @returns undefined for a token that is not in the store, such as a JWT, or one that has expired or was revoked
   * @throws {StoreUnavailableError}
   */
  find(token: string): Promise<KnownToken | undefined>;
  /**
   * Revokes a token as the revocation endpoint does (RFC 7009 section 2.1): with a refresh token, also what was issued under its grant.
   *
   * @returns whether the store knew the token
   * @throws {StoreUnavailableError}
   */
  revoke(token: string): Promise<boolean>;
}

interface Found {
  readonly kind: string;
  readonly clientId?: string | undefined;
  readonly exp?: number;
  readonly grantId?: string;
  destroy(): Promise<void>;
}

interface Model {
  find(token: string): Promise<Found | undefined>;
}

export function createIssuedTokens(provider: Provider, revokeGrant: (grantId: string) => Promise<void>): IssuedTokens {
  const models = [provider.AccessToken, provider.ClientCredentials, provider.RefreshToken] as unknown as Model[];

  async function find(token: string): Promise<Found | undefined> {
    for (const model of models) {
      const found = await model.find(token);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async function revoke(token: string): Promise<boolean> {
    const found = await find(token);
    if (found === undefined) return false;
    await found.destroy();
    if (found.kind === 'RefreshToken' && found.grantId !== undefined) await revokeGrant(found.grantId);
    return true;
  }

  return {
    async find(token) {
      const found = await mapStoreErrors(find(token));
      if (found === undefined) return undefined;
      const { kind, clientId = '', exp = 0 } = found;
      return { kind: kind === 'RefreshToken' ? 'refresh_token' : 'access_token', clientId, expiresAt: exp };
    },
    revoke: (token) => mapStoreErrors(revoke(token)),
  };
}

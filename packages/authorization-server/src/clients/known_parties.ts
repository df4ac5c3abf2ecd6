import type { Provider } from 'oidc-provider';
import type { FeatureConfig } from '../config/config.ts';
import type { Accounts } from '../sign_in/accounts.ts';

/** Those that a token is about. */
export interface Parties {
  /** The client that it was issued to. */
  readonly clientId?: string | undefined;
  /** Its subject. */
  readonly accountId?: string | undefined;
  /** The same, for a subject that is a client and not a user. */
  readonly subjectClientId?: string | undefined;
}

/** Whether all that a token is about are still there: a client or a user can be removed while its tokens live. */
export type AreKnown = (provider: Provider, parties: Parties) => Promise<boolean>;

export function createAreKnown(
  { clientIdMetadataDocuments }: Pick<FeatureConfig, 'clientIdMetadataDocuments'>,
  accounts: Pick<Accounts, 'exists'>,
): AreKnown {
  async function isClient(provider: Provider, id: string): Promise<boolean> {
    // A client that is its own URL is nobody's to remove. Asking for its metadata here would only add a way to fail.
    if (clientIdMetadataDocuments && id.startsWith('https://')) return true;
    return (await provider.Client.find(id)) !== undefined;
  }

  return async (provider, { clientId, accountId, subjectClientId }) => {
    if (clientId === undefined || !(await isClient(provider, clientId))) return false;
    if (subjectClientId !== undefined) return isClient(provider, subjectClientId);
    return accountId === undefined || accounts.exists(accountId);
  };
}

import type { Provider } from 'oidc-provider';
import type { FeatureConfig } from '../config/config.ts';
import type { Accounts } from '../sign_in/accounts.ts';

/** The client and the subject of a token. */
export interface Parties {
  /** The client that the token was issued to. */
  readonly clientId?: string | undefined;
  /** The subject. */
  readonly accountId?: string | undefined;
  /** The subject, if it is a client and not a user. */
  readonly subjectClientId?: string | undefined;
}

/** Whether client and subject of a token still exist. Either can be removed before the token expires. */
export type PartiesExist = (provider: Provider, parties: Parties) => Promise<boolean>;

export function createPartiesExist(
  { clientIdMetadataDocuments }: Pick<FeatureConfig, 'clientIdMetadataDocuments'>,
  accounts: Pick<Accounts, 'exists'>,
): PartiesExist {
  async function isClient(provider: Provider, id: string): Promise<boolean> {
    // A client with a metadata document cannot be removed here. Fetching the document would only add a way to fail.
    if (clientIdMetadataDocuments && id.startsWith('https://')) return true;
    return (await provider.Client.find(id)) !== undefined;
  }

  return async (provider, { clientId, accountId, subjectClientId }) => {
    if (clientId === undefined || !(await isClient(provider, clientId))) return false;
    if (subjectClientId !== undefined) return isClient(provider, subjectClientId);
    return accountId === undefined || accounts.exists(accountId);
  };
}

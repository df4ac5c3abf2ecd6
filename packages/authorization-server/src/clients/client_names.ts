import type { TokenStore } from '@tallystick/token-store';
import type { AuthorizationServerConfig, UserConfig } from '../config/config.ts';

/**
 * Whether a name is the identifier of a client: configured, registered or the URL of a metadata document. A user must not have
 * the same identifier as a client, because an API tells users from clients by `sub` (RFC 9068 section 5).
 *
 * @throws {StoreUnavailableError}
 */
export type IsClientName = (name: string) => Promise<boolean>;

/** A configured user has the same identifier as a client. */
export class WrongUserError extends Error {
  readonly code = 'user_wrong';
  override name = 'WrongUserError';
  /** The index of the user in the configuration. */
  readonly index: number;

  constructor(index: number) {
    super('expected an id that no client has');
    this.index = index;
  }
}

export function createIsClientName(
  { clients, features, secret }: Pick<AuthorizationServerConfig, 'clients' | 'features' | 'secret'>,
  store: TokenStore,
): IsClientName {
  const configured = new Set(clients.map(({ id }) => id));
  const registered = store.records('Client', secret);
  return async (name) => {
    if (configured.has(name)) return true;
    // The identifier of such a client is the URL of its metadata document. There is no need to fetch it here.
    if (features.clientIdMetadataDocuments && name.startsWith('https:')) return true;
    return (await registered.find(name)) !== undefined;
  };
}

/**
 * Checks that no user has the identifier of a registered client. The configuration schema compares users with configured
 * clients.
 *
 * @param known users that were checked before
 * @throws {WrongUserError}
 * @throws {StoreUnavailableError}
 */
export async function checkUsers(
  { users, features, secret }: Pick<AuthorizationServerConfig, 'users' | 'features' | 'secret'>,
  store: TokenStore,
  known: readonly UserConfig[] = [],
): Promise<void> {
  const isClientName = createIsClientName({ clients: [], features, secret }, store);
  const checked = new Set(known.map(({ id }) => id));
  const areTaken = await Promise.all(users.map(async ({ id }) => !checked.has(id) && (await isClientName(id))));
  const index = areTaken.indexOf(true);
  if (index >= 0) throw new WrongUserError(index);
}

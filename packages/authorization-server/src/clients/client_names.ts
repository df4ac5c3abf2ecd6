import type { TokenStore } from '@tallystick/token-store';
import type { AuthorizationServerConfig, UserConfig } from '../config/config.ts';

/**
 * Whether a name is that of a client, configured, registered or known by its metadata document. No user may have such a name:
 * an API must be able to tell a user from a client by `sub` (RFC 9068 section 5).
 *
 * @throws {StoreUnavailableError}
 */
export type IsClientName = (name: string) => Promise<boolean>;

/** A configured user who has the name of a client. */
export class WrongUserError extends Error {
  readonly code = 'user_wrong';
  override name = 'WrongUserError';
  /** The user's place in the configuration. */
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
    // The identifier of a client that nobody registered is where its metadata is; nobody is asked for it here.
    if (features.clientIdMetadataDocuments && name.startsWith('https:')) return true;
    return (await registered.find(name)) !== undefined;
  };
}

/**
 * Looks whether users have the names of clients that no configuration knows. Whoever writes the configuration checks it
 * against the clients in it.
 *
 * @param known users who were looked at before
 * @throws {WrongUserError}
 * @throws {StoreUnavailableError}
 */
export async function checkUsers(
  { users, features, secret }: Pick<AuthorizationServerConfig, 'users' | 'features' | 'secret'>,
  store: TokenStore,
  known: readonly UserConfig[] = [],
): Promise<void> {
  const isClientName = createIsClientName({ clients: [], features, secret }, store);
  const lookedAt = new Set(known.map(({ id }) => id));
  const areTaken = await Promise.all(users.map(async ({ id }) => !lookedAt.has(id) && (await isClientName(id))));
  const index = areTaken.indexOf(true);
  if (index >= 0) throw new WrongUserError(index);
}

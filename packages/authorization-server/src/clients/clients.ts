import { type ClientMetadata, errors, type Provider } from 'oidc-provider';
import { FIELD_OF } from '../config/client.ts';
import type { ClientConfig } from '../config/config.ts';
import { GRANT_TYPES } from '../grants/grant_types.ts';
import { responseTypesOfClient } from '../provider/implicit.ts';
import { isPattern, matchesOriginOfPattern } from './redirect_uri_pattern.ts';

/** Converts a configured client to RFC 7591 metadata. */
export function clientMetadata(client: ClientConfig): ClientMetadata {
  const isPublic = client.secret === undefined;
  return {
    token_endpoint_auth_method: isPublic ? 'none' : 'client_secret_basic',
    response_types: responseTypesOfClient(client.grants),
    application_type: client.applicationType ?? (client.redirectUris.some(hasPrivateUseScheme) ? 'native' : 'web'),
    ...client.metadata,
    client_id: client.id,
    ...(isPublic ? undefined : { client_secret: client.secret }),
    client_name: client.name ?? client.id,
    grant_types: client.grants.map((grant) => GRANT_TYPES[grant]),
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
  };
}

/** Whether the origin belongs to a redirect URI of the client. On loopback the port is ignored. */
export function isOriginOf(origin: string, redirectUris: readonly string[]): boolean {
  return redirectUris.some((uri) => {
    const registered = new URL(uri);
    if (isPattern(uri) && matchesOriginOfPattern(uri, origin)) return true;
    return registered.origin === origin || (isLoopback(uri) && URL.parse(origin)?.hostname === registered.hostname);
  });
}

/** A private-use URI scheme (RFC 8252 section 7.1) belongs to an application on the user's device. */
export function hasPrivateUseScheme(uri: string): boolean {
  const protocol = URL.parse(uri)?.protocol;
  return protocol !== undefined && !/^https?:$/.test(protocol);
}

function isLoopback(uri: string): boolean {
  const { protocol, hostname } = new URL(uri);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

/** A configured client has invalid metadata (RFC 7591 section 3.2.2). */
export class WrongClientError extends Error {
  readonly code = 'client_wrong';
  override name = 'WrongClientError';
  /** The index of the client in the configuration. */
  readonly index: number;
  /** The field of the client that is wrong. */
  readonly field: string;

  constructor(index: number, what: string) {
    super(what);
    this.index = index;
    // oidc-provider begins its message with the name of the metadata.
    this.field = FIELD_OF.get(/^\w+/.exec(what)?.[0] ?? '') ?? 'metadata';
  }
}

/** Validates configured clients at start. oidc-provider validates a client on first use only. @throws {WrongClientError} */
export async function checkClients(provider: Provider, clients: readonly ClientConfig[]): Promise<void> {
  for (const [index, { id, metadata = {} }] of clients.entries()) {
    try {
      refuseUnknownMetadata(metadata, (await provider.Client.find(id))?.metadata() ?? metadata);
    } catch (error) {
      if (!(error instanceof errors.InvalidClientMetadata)) throw error;
      throw new WrongClientError(index, error.error_description ?? error.message);
    }
  }
}

/** oidc-provider ignores metadata that it does not know, or whose feature is off. */
function refuseUnknownMetadata(given: object, known: object): void {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined)
    throw new errors.InvalidClientMetadata(`${unknown} is unknown, or belongs to a feature that is off`);
}

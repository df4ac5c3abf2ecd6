import { isLoopbackName } from '@tallystick/common';
import type { Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { isDevelopmentIssuer } from '../config/development.ts';
import { isPattern, matchesPattern } from './redirect_uri_pattern.ts';

type Config = Pick<AuthorizationServerConfig, 'issuer' | 'clients'>;

export const HTTP_ON_THIS_MACHINE =
  'expected https: the issuer is neither on http nor on this machine, so http is only for localhost, 127.0.0.1 and [::1]';

/** The parts of oidc-provider's Schema that validate client metadata (RFC 7591 section 2). */
interface Schema {
  readonly client_id?: string;
  readonly application_type: string;
  readonly grant_types: readonly string[];
  readonly redirect_uris: readonly string[];
  redirectUris(uris?: readonly string[], name?: string): void;
  /** @throws {errors.InvalidClientMetadata} */
  invalidate(message: string): never;
}

/** The parts of oidc-provider's Client that match redirect URIs. */
interface Client {
  readonly clientId: string;
  readonly redirectUris: string[];
  readonly postLogoutRedirectUris?: readonly string[];
  redirectUriAllowed(uri: string): boolean;
  postLogoutRedirectUriAllowed(uri: string): boolean;
}

interface ClientClass {
  readonly prototype: Client;
  readonly Schema: { readonly prototype: Schema };
  find(id: string): Promise<Client | undefined>;
}

/**
 * Whether a redirect URI is on plain http where codes can be read on the way. Applications under development have names like
 * `app.test` or `host.docker.internal`: an issuer that is for development itself accepts them.
 */
export function isInsecureRedirectUri(uri: string, issuer: Pick<Config, 'issuer'>): boolean {
  const { protocol, hostname } = URL.parse(uri) ?? {};
  return protocol === 'http:' && !isLoopbackName(hostname ?? '') && !isDevelopmentIssuer(issuer);
}

/**
 * Validates the redirect URIs of all clients, configured or not: http is for loopback and development, and a `*` is for clients
 * that are configured for patterns.
 */
export function checkRedirectUris(provider: Provider, config: Config): void {
  const { prototype } = (provider.Client as unknown as ClientClass).Schema;
  const { redirectUris } = prototype;
  const patterned = clientsWithPatterns(config);
  prototype.redirectUris = function (this: Schema, uris = this.redirect_uris, name = 'redirect_uris') {
    for (const uri of uris) {
      if (isPattern(uri) && !patterned.has(this.client_id ?? ''))
        this.invalidate(`${name} must not contain a *: redirect URIs match exactly`);
      if (isInsecureRedirectUri(uri, config)) this.invalidate(`${name}: ${HTTP_ON_THIS_MACHINE}`);
    }
    redirectUris.call(isDevelopmentIssuer(config) ? withoutImplicit(this) : this, uris, name);
  };
}

/** With the implicit grant, oidc-provider allows web clients on https only (OpenID Connect Registration section 2). */
function withoutImplicit(metadata: Schema): Schema {
  const grants = metadata.grant_types.filter((grant) => grant !== 'implicit');
  return Object.create(metadata, { grant_types: { value: grants } });
}

/** Matches the redirect URIs of the clients that are configured with patterns. */
export function matchRedirectUriPatterns(provider: Provider, config: Config): void {
  const patterned = clientsWithPatterns(config);
  if (patterned.size === 0) return;
  const Client = provider.Client as unknown as ClientClass;
  const { redirectUriAllowed, postLogoutRedirectUriAllowed } = Client.prototype;
  const matches = ({ clientId }: Client, uri: string, registered: readonly string[] = []) =>
    patterned.has(clientId) && registered.some((pattern) => isPattern(pattern) && matchesPattern(pattern, uri));
  const isItselfAPattern = (uri: unknown) => typeof uri === 'string' && isPattern(uri);
  Client.prototype.redirectUriAllowed = function (uri) {
    return !isItselfAPattern(uri) && (redirectUriAllowed.call(this, uri) || matches(this, uri, this.redirectUris));
  };
  Client.prototype.postLogoutRedirectUriAllowed = function (uri) {
    if (isItselfAPattern(uri)) return false;
    return postLogoutRedirectUriAllowed.call(this, uri) || matches(this, uri, this.postLogoutRedirectUris);
  };
  requireRedirectUri(Client);
}

/** A request may leave out the only redirect URI of its client, but not a pattern. Two entries make oidc-provider refuse it. */
function requireRedirectUri(Client: ClientClass): void {
  const { find } = Client;
  Client.find = async (id) => {
    const client = await find.call(Client, id);
    const [only, ...more] = client?.redirectUris ?? [];
    if (only !== undefined && more.length === 0 && isPattern(only)) client?.redirectUris.push(only);
    return client;
  };
}

function clientsWithPatterns({ clients }: Pick<Config, 'clients'>): ReadonlySet<string> {
  return new Set(clients.filter((client) => client.insecureRedirectUriPatterns).map(({ id }) => id));
}

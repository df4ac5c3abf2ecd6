import { isLoopbackName, readHost } from '@tallystick/common';
import { Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { GRANT_TYPES, type GrantName } from '../grants/grant_types.ts';
import { responseTypesOfClient } from '../provider/implicit.ts';

type Config = Pick<AuthorizationServerConfig, 'features'>;

/** A `client_id` (RFC 6749 appendix A.1) of a length that is reasonable in tokens and logs. */
const CLIENT_ID = /^[\x21-\x7e]{1,255}$/;

/** Schemes with which a browser would run or show the redirect URI itself instead of calling a client. */
const REFUSED_SCHEMES = new Set(['javascript:', 'data:', 'vbscript:', 'blob:', 'file:', 'about:', 'view-source:']);

/** The parts of oidc-provider's Client that a permissive issuer changes. */
interface Client {
  clientAuthMethod?: string;
  redirectUriAllowed(uri: string): boolean;
  postLogoutRedirectUriAllowed(uri: string): boolean;
  /** For clients that registered themselves, it refuses client_credentials. */
  grantTypeAllowed(grant: string): boolean;
  compareClientSecret(secret: string): Promise<boolean> | boolean;
}

interface ClientClass {
  new (metadata: object): Client;
  find(id: string): Promise<Client | undefined>;
}

/** The clients that a permissive issuer made. */
const made = new WeakSet<object>();

/** Whether a client is neither configured nor registered: a permissive issuer accepted its id. */
export function isPermissiveClient(client: unknown): boolean {
  return typeof client === 'object' && client !== null && made.has(client);
}

/**
 * Accepts every client id. A client that is configured or registered keeps its secret and its rules. Any other client exists for
 * one request only, so nothing is stored and clients cannot fill the memory with ids.
 *
 * oidc-provider has a class of clients for each provider: other issuers of the process do not change.
 */
export function acceptAnyClient(provider: Provider, config: Config): void {
  const Client = provider.Client as unknown as ClientClass;
  const { find } = Client;
  const metadata = metadataOf(config);
  const grants = new Set<string>(metadata.grant_types);
  Client.find = async (id) => {
    const known = await find.call(Client, id);
    if (known !== undefined || !CLIENT_ID.test(id)) return known;
    const client = new Client({ ...metadata, client_id: id, client_name: id });
    made.add(client);
    Object.defineProperty(client, 'clientAuthMethod', { get: presentedMethod });
    client.compareClientSecret = () => true;
    client.grantTypeAllowed = (grant) => grants.has(grant);
    client.redirectUriAllowed = isRedirectUri;
    client.postLogoutRedirectUriAllowed = isRedirectUri;
    return client;
  };
}

/** Whether a page may call the issuer. Pages of this machine only: otherwise every page on the web could get a token. */
export function isPageOfThisMachine(origin: string): boolean {
  const name = readHost(URL.parse(origin)?.host ?? '')?.name;
  return name !== undefined && isLoopbackName(name);
}

function metadataOf({ features }: Config) {
  const grants: GrantName[] = [
    ...(['authorization_code', 'refresh_token', 'client_credentials'] as const),
    ...(['password', 'jwt_bearer', 'token_exchange'] as const),
  ];
  if (features.deviceFlow) grants.push('device_code');
  if (features.ciba) grants.push('ciba');
  if (features.implicit) grants.push('implicit');
  return {
    token_endpoint_auth_method: 'none',
    response_types: responseTypesOfClient(grants),
    grant_types: grants.map((grant) => GRANT_TYPES[grant]),
    // Two of them, so that a request without a redirect URI is refused.
    redirect_uris: ['http://localhost/', 'http://127.0.0.1/'],
    application_type: 'native', // A web client with the implicit grant could not have these.
    ...(features.ciba && { backchannel_token_delivery_mode: 'poll' }),
  };
}

/** The authentication method of the current request: with a secret, or none. */
function presentedMethod(): string {
  const ctx = Provider.ctx;
  const sendsSecret = Boolean(ctx?.oidc.params?.client_secret) || /^basic /i.test(ctx?.get('authorization') ?? '');
  return sendsSecret ? 'client_secret_basic' : 'none';
}

function isRedirectUri(uri: unknown): boolean {
  if (typeof uri !== 'string' || uri.includes('#')) return false;
  const protocol = URL.parse(uri)?.protocol;
  return protocol !== undefined && !REFUSED_SCHEMES.has(protocol);
}

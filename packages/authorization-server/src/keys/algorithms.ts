import type { AuthorizationServerConfig, SigningAlgorithm } from '../config/config.ts';

/** Client metadata that says what a client wants its JWTs signed with. */
const CLIENT_ALGORITHMS = [
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'introspection_signed_response_alg',
  'authorization_signed_response_alg',
];

const ALGORITHMS: readonly unknown[] = ['ES256', 'RS256', 'PS256', 'EdDSA'] satisfies SigningAlgorithm[];

/** The JWS algorithms that an authorization server needs keys for: its own first, then those of its APIs and clients. */
export function algorithmsInUse({
  signingAlgorithm,
  apis,
  clients,
}: Pick<AuthorizationServerConfig, 'signingAlgorithm' | 'apis' | 'clients'>): SigningAlgorithm[] {
  const ofApis = apis.flatMap((api) => api.signingAlgorithm ?? []);
  const ofClients = clients
    .flatMap(({ metadata = {} }) => CLIENT_ALGORITHMS.map((name) => metadata[name]))
    .filter(isOurs);
  return [...new Set([signingAlgorithm, ...ofApis, ...ofClients])];
}

/** What else a client may want, oidc-provider refuses by name. */
function isOurs(algorithm: unknown): algorithm is SigningAlgorithm {
  return ALGORITHMS.includes(algorithm);
}

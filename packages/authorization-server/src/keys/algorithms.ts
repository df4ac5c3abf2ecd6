import type { AuthorizationServerConfig, SigningAlgorithm } from '../config/config.ts';

/** Client metadata with the algorithms for JWTs that the client receives. */
const CLIENT_ALGORITHMS = [
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'introspection_signed_response_alg',
  'authorization_signed_response_alg',
];

const ALGORITHMS: readonly unknown[] = ['ES256', 'RS256', 'PS256', 'EdDSA'] satisfies SigningAlgorithm[];

/** The JWS algorithms for which an authorization server needs keys: its own first, then those of its APIs and clients. */
export function algorithmsInUse({
  signingAlgorithm,
  apis,
  clients,
}: Pick<AuthorizationServerConfig, 'signingAlgorithm' | 'apis' | 'clients'>): SigningAlgorithm[] {
  const apiAlgorithms = apis.flatMap((api) => api.signingAlgorithm ?? []);
  const clientAlgorithms = clients
    .flatMap(({ metadata = {} }) => CLIENT_ALGORITHMS.map((name) => metadata[name]))
    .filter(isSigningAlgorithm);
  return [...new Set([signingAlgorithm, ...apiAlgorithms, ...clientAlgorithms])];
}

/** oidc-provider refuses clients with other algorithms. */
function isSigningAlgorithm(algorithm: unknown): algorithm is SigningAlgorithm {
  return ALGORITHMS.includes(algorithm);
}

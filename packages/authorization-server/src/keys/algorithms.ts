import type { AuthorizationServerConfig, SigningAlgorithm } from '../config/config.ts';

/** Client metadata with the algorithms for JWTs that the client receives. */
const CLIENT_ALGORITHMS = [
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'introspection_signed_response_alg',
  'authorization_signed_response_alg',
];

const ALGORITHMS: readonly unknown[] = ['ES256', 'RS256', 'PS256', 'EdDSA'] satisfies SigningAlgorithm[];

const RSA_ALGORITHMS: ReadonlySet<SigningAlgorithm> = new Set(['RS256', 'PS256']);

type Config = Pick<AuthorizationServerConfig, 'signingAlgorithm' | 'idTokenSigningAlgorithm' | 'apis' | 'clients'>;

/** All JWS algorithms for which an authorization server needs keys: its own first, then those of its APIs and clients. */
export function algorithmsInUse(config: Config): SigningAlgorithm[] {
  return [...new Set([...namedAlgorithms(config), config.idTokenSigningAlgorithm])];
}

/** The JWS algorithms whose keys are made at start: all but RSA keys for ID tokens, which take long to make. */
export function algorithmsAtStart(config: Config): SigningAlgorithm[] {
  const isSlow = RSA_ALGORITHMS.has(config.idTokenSigningAlgorithm);
  return isSlow ? namedAlgorithms(config) : algorithmsInUse(config);
}

function namedAlgorithms({ signingAlgorithm, apis, clients }: Config): SigningAlgorithm[] {
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

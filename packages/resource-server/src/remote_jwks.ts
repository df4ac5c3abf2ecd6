import {
  createJwksClient,
  type JwksClient,
  type JwksClientDependencies,
  type JwksClientOptions,
  JwksError,
} from '@tallystick/common';
import { AccessTokenError, ValidationUnavailableError } from './errors.ts';
import { requireFunction, requireHttpUrl, requireNumber } from './options.ts';

/** Options of {@link createRemoteJwks}. */
export type RemoteJwksOptions = JwksClientOptions;

/** The world around {@link createRemoteJwks}. */
export type RemoteJwksDependencies = JwksClientDependencies;

/**
 * The authorization server's public keys, kept fresh by use. `getKey` throws {@link AccessTokenError} `invalid_token` when the
 * authorization server has no such key, and like `refresh` {@link ValidationUnavailableError} when it could not be asked.
 */
export type RemoteJwks = JwksClient;

/**
 * Keeps the public keys of an authorization server (RFC 7517 section 5), fetched over HTTP, for `createJwtValidator`.
 *
 * @throws TypeError for a badly typed option.
 * @example
 * ```ts
 * const jwks = createRemoteJwks({ uri: 'https://login.example.com/jwks' });
 * const validator = createJwtValidator({ issuer, audience }, { jwks });
 * ```
 */
export function createRemoteJwks(options: RemoteJwksOptions, dependencies: RemoteJwksDependencies = {}): RemoteJwks {
  const { uri, timeout = 3000, refreshInterval = 300, cooldown = 5 } = options;
  const { fetch = globalThis.fetch, now = () => Date.now() } = dependencies;
  requireHttpUrl('uri', uri);
  requireNumber('timeout', timeout, 1);
  requireNumber('refreshInterval', refreshInterval, 0);
  requireNumber('cooldown', cooldown, 0);
  requireFunction('fetch', fetch);
  requireFunction('now', now);
  const client = createJwksClient(options, dependencies);
  return {
    ...client,
    getKey: (header, token) => client.getKey(header, token).catch(refuse),
    refresh: () => client.refresh().catch(refuse),
  };
}

/** As this package says it: a verdict on the token, or that there can be none now. */
function refuse(error: unknown): never {
  if (!(error instanceof JwksError)) throw error;
  const { code, message, cause } = error;
  if (code === 'unavailable') throw new ValidationUnavailableError(message, { cause });
  throw new AccessTokenError('invalid_token', message);
}

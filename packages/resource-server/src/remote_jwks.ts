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

/** Dependencies of {@link createRemoteJwks}. */
export type RemoteJwksDependencies = JwksClientDependencies;

/**
 * The authorization server's public keys, refreshed on use. `getKey` throws {@link AccessTokenError} `invalid_token` when the
 * authorization server has no such key. `getKey` and `refresh` throw {@link ValidationUnavailableError} when the keys cannot be
 * fetched.
 */
export type RemoteJwks = JwksClient;

/**
 * Fetches the public keys of an authorization server (JWKS, RFC 7517 section 5) and caches them for `createJwtValidator`.
 *
 * @throws TypeError for an option of the wrong type
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

/** Throws the matching error of this package: a verdict on the token, or a temporary failure. */
function refuse(error: unknown): never {
  if (!(error instanceof JwksError)) throw error;
  const { code, message, cause } = error;
  if (code === 'unavailable') throw new ValidationUnavailableError(message, { cause });
  throw new AccessTokenError('invalid_token', message);
}

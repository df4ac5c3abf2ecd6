import type { TokenStore } from '@tallystick/token-store';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { JWKS } from 'oidc-provider';
import type { AuthorizationServerConfig } from './config.ts';

/**
 * The keys that sign, shared by every authorization server on one store: the first to start makes them, and they are
 * kept sealed under the servers' secret.
 *
 * @throws {StoreUnavailableError}
 * @throws {WrongSecretError} the store's keys were made by a server with another secret
 */
export async function loadSigningKeys(
  store: TokenStore,
  { signingAlgorithm, secret }: Pick<AuthorizationServerConfig, 'signingAlgorithm' | 'secret'>,
): Promise<JWKS> {
  const made = JSON.stringify({ keys: [await makeKey(signingAlgorithm)] });
  return JSON.parse(await store.keepFirst(`signing-keys:${signingAlgorithm}`, made, secret)) as JWKS;
}

async function makeKey(alg: AuthorizationServerConfig['signingAlgorithm']) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) };
}

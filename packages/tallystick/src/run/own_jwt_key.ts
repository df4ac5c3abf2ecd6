import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { TokenStore } from '@tallystick/token-store';

/** Provides the private JWK with which all gateways on a store sign their own JWTs. */
export type OwnJwtKey = () => Promise<object>;

/**
 * The first gateway on a store generates the key and stores it, encrypted with the secret. Without a secret, which is optional only
 * for the memory store, the key is lost when the process ends.
 */
export function createOwnJwtKey(secret: string | undefined, store: Pick<TokenStore, 'keepFirst'>): OwnJwtKey {
  let key: Promise<object> | undefined;

  async function obtain(): Promise<object> {
    const generated = generateKey();
    if (secret === undefined) return generated;
    return JSON.parse(await store.keepFirst('gateway-key', JSON.stringify(generated), secret));
  }

  return () => {
    key ??= obtain().catch((error) => {
      key = undefined;
      throw error;
    });
    return key;
  };
}

function generateKey(): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256' };
}

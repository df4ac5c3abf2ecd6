import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { TokenStore } from '@tallystick/token-store';

/** The private JWK with which gateways on one store sign the JWTs that they make. */
export type OwnJwtKey = () => Promise<object>;

/**
 * The first gateway on a store makes the key, and keeps it there as the authorization servers keep theirs. Without a secret, which
 * only a memory store can do without, it ends with the process.
 */
export function createOwnJwtKey(secret: string | undefined, store: Pick<TokenStore, 'keepFirst'>): OwnJwtKey {
  let key: Promise<object> | undefined;

  async function obtain(): Promise<object> {
    const made = makeKey();
    return secret === undefined ? made : JSON.parse(await store.keepFirst('gateway-key', JSON.stringify(made), secret));
  }

  return () => {
    key ??= obtain().catch((error) => {
      key = undefined;
      throw error;
    });
    return key;
  };
}

function makeKey(): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256' };
}

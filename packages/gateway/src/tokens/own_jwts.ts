import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import { InvalidValidatorResponseError, type RemoteJwks } from '@tallystick/resource-server';
import { createLocalJWKSet, type JWK, SignJWT } from 'jose';
import type { TokenIntrospection } from '../authorization_server/read_introspection.ts';
import type { OwnJwtConfig } from '../config/introspection.ts';

/** JWTs that the gateway makes itself for tokens for which the authorization server has no JWT. */
export interface OwnJwts {
  readonly issuer: string;
  /** The public keys, for the gateway's own validation. */
  readonly keys: Pick<RemoteJwks, 'getKey' | 'has'>;
  /** The public keys, for APIs to fetch. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /**
   * Makes an access token for an API (RFC 9068) from the introspection of a client-held token.
   *
   * @param introspection was checked
   * @param audience the `aud` of tokens for the API
   * @param token the client-held token, which no claim may contain
   */
  make(introspection: TokenIntrospection, audience: readonly string[], token: string): Promise<string>;
}

/** Members that describe the introspection or the client-held token, not the caller. */
const notClaims = new Set(
  'active iss aud exp iat nbf jti sub client_id username token_type token_use typ phantom_token jwt'.split(' '),
);

/**
 * @param dependencies.now epoch milliseconds
 * @throws {TypeError} for a key that cannot sign
 */
export function createOwnJwts(
  { issuer, signingKey, lifetime }: OwnJwtConfig & { readonly issuer: string },
  { now }: { now: () => number },
): OwnJwts {
  const { key, kid, alg } = readKey(signingKey);
  const jwks = { keys: [{ ...createPublicKey(key).export({ format: 'jwk' }), kid, alg, use: 'sig' } as JWK] };

  return {
    issuer,
    jwks,
    keys: { getKey: createLocalJWKSet(jwks), has: (id) => id === kid },
    make(introspection, audience, token) {
      const { client_id: clientId, sub = clientId } = introspection;
      // Other claims that quote the token are left out. Without its cnf the JWT would be bound to nothing.
      if (JSON.stringify(introspection.cnf ?? {}).includes(token)) {
        throw new InvalidValidatorResponseError("the authorization server's answer quotes the token in cnf");
      }
      const issuedAt = Math.floor(now() / 1000);
      const entries = Object.entries(introspection).filter(
        // An introspection may quote its token, in `jti` and elsewhere.
        ([name, value]) => value !== undefined && !notClaims.has(name) && !JSON.stringify(value).includes(token),
      );
      // A client that acts for itself is its own subject (RFC 9068 section 2.2). A missing client_id is not filled in from sub: a user
      // could then pass for a client.
      const identity = { ...(sub !== undefined && { sub }), ...(clientId !== undefined && { client_id: clientId }) };
      return new SignJWT({
        ...Object.fromEntries(entries),
        ...identity,
        jti: randomUUID(),
        aud: [...audience],
        iss: issuer,
      })
        .setProtectedHeader({ alg, typ: 'at+jwt', kid })
        .setIssuedAt(issuedAt)
        .setExpirationTime(Math.min(Math.floor(introspection.exp ?? Number.POSITIVE_INFINITY), issuedAt + lifetime))
        .sign(key);
    },
  };
}

function readKey(text = ''): { key: KeyObject; kid: string; alg: string } {
  try {
    const jwk: JWK = JSON.parse(text);
    const { kid, alg } = jwk;
    if (typeof kid === 'string' && typeof alg === 'string') {
      return { key: createPrivateKey({ key: jwk, format: 'jwk' }), kid, alg };
    }
  } catch {
    // The cause may quote the key.
  }
  throw new TypeError('ownJwts.signingKey must be a private key, as JWK with kid and alg');
}

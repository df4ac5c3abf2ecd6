import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { type JWK, SignJWT } from 'jose';
import type { IntrospectionClient } from '../config/introspection.ts';

/** What a request carries to authenticate its client. */
export interface ClientCredentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Form parameters. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Creates the credentials for one request. They are not reused: an assertion is accepted only once. */
export type AuthenticateClient = () => ClientCredentials | Promise<ClientCredentials>;

export interface ClientAuthenticationOptions {
  readonly client: IntrospectionClient;
  /** The `aud` of assertions: the issuer identifier of the authorization server. */
  readonly issuer: string;
}

/** Lifetime of an assertion, in seconds. */
const ASSERTION_LIFETIME = 60;

/**
 * Creates the client authentication of the gateway at an authorization server (RFC 7662 section 2.1).
 *
 * @param dependencies.now epoch milliseconds
 * @throws {TypeError} for a key that cannot sign
 */
export function createClientAuthentication(
  { client, issuer }: ClientAuthenticationOptions,
  { now }: { now: () => number },
): AuthenticateClient {
  const { id, secret, privateKey } = client;
  if (secret !== undefined)
    return always({ headers: { Authorization: basicAuthorization(id, secret) }, parameters: {} });
  if (privateKey !== undefined) return createAssertions({ ...client, privateKey }, issuer, now);
  // RFC 8705 section 2: the TLS connection presents the certificate, and `client_id` names the client.
  return always({ headers: {}, parameters: { client_id: id } });
}

/** `private_key_jwt` (RFC 7523 section 3). */
function createAssertions(
  client: IntrospectionClient & { readonly privateKey: string },
  audience: string,
  now: () => number,
): AuthenticateClient {
  const { key, keyId } = readPrivateKey(client.privateKey);
  const algorithm = chooseAlgorithm(key, client.algorithm);
  const kid = client.keyId ?? keyId;
  const header = { alg: algorithm, ...(kid === undefined ? undefined : { kid }) };

  return async () => {
    const issuedAt = Math.floor(now() / 1000);
    const assertion = await new SignJWT({ iss: client.id, sub: client.id, aud: audience, jti: randomUUID() })
      .setProtectedHeader(header)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ASSERTION_LIFETIME)
      .sign(key);
    return {
      headers: {},
      parameters: {
        client_id: client.id,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      },
    };
  };
}

function always(credentials: ClientCredentials): AuthenticateClient {
  return () => credentials;
}

/** RFC 6749 section 2.3.1: both parts are form-encoded first. */
function basicAuthorization(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}

function readPrivateKey(text: string): { key: KeyObject; keyId: string | undefined } {
  try {
    if (!text.trimStart().startsWith('{')) return { key: createPrivateKey(text), keyId: undefined };
    const jwk = JSON.parse(text) as JWK;
    const keyId = typeof jwk.kid === 'string' ? jwk.kid : undefined;
    return { key: createPrivateKey({ key: jwk, format: 'jwk' }), keyId };
  } catch {
    // The cause may quote the key.
    throw new TypeError('client.privateKey must be a private key, as PEM (PKCS #8) or JWK');
  }
}

/** The algorithms that a key can sign with, by its curve, or by its type when it has no curve (RFC 7518 section 3.1, RFC 8037 section 3.1). */
const algorithms: Readonly<Record<string, readonly [string, ...string[]]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  rsa: ['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'],
  ed25519: ['EdDSA', 'Ed25519'],
};

function chooseAlgorithm({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject, wanted: string | undefined) {
  const possible = algorithms[asymmetricKeyDetails.namedCurve ?? asymmetricKeyType ?? ''];
  if (possible === undefined || (asymmetricKeyDetails.modulusLength ?? 2048) < 2048) {
    throw new TypeError('client.privateKey must be an EC, Ed25519 or RSA key, of 2048 bits or more');
  }
  const [preferred] = possible;
  if (wanted !== undefined && !possible.includes(wanted)) {
    throw new TypeError(`client.algorithm must be one that the key can sign with, such as ${preferred}`);
  }
  return wanted ?? preferred;
}

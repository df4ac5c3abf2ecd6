import type { GatewayConfig } from '@tallystick/gateway';
import { ConfigError } from '../config/config_error.ts';
import type { Config } from '../config/schema.ts';
import type { OwnJwtKey } from './own_jwt_key.ts';
import { type Path, readMaterial, wrong } from './read_material.ts';
import type { Tls } from './tls/trust.ts';
import { withoutUndefined } from './without_undefined.ts';

type Client = Config['gateway']['client'];
/** What tokens look like, the routes know. */
type Asked = Omit<Config['gateway']['introspection'], 'tokenPattern'> & { readonly tokenPattern?: unknown };

export interface IntrospectionSettingsDependencies {
  readonly ownJwtKey: OwnJwtKey;
  readonly tls: Tls | undefined;
}

/**
 * How the gateway asks authorization servers, with what the configuration names files for.
 *
 * @throws {ConfigError} a file cannot be read, or does not hold what it should
 */
export async function introspectionSettings(
  { gateway }: Config,
  { ownJwtKey, tls }: IntrospectionSettingsDependencies,
): Promise<Required<Pick<GatewayConfig, 'client' | 'introspection' | 'issuers'>> & Pick<GatewayConfig, 'ownJwts'>> {
  const issuers = gateway.issuers.map(
    async ({ issuer, jwksUri, introspectionEndpoint, client, introspection, jwts, scopeClaims }, index) => ({
      issuer,
      jwts: withoutUndefined(jwts),
      ...(scopeClaims && { scopeClaims }),
      ...(jwksUri !== undefined && { jwksUri }),
      ...(introspectionEndpoint !== undefined && { introspectionEndpoint }),
      ...(client && { client: await readClient(['gateway', 'issuers', index, 'client'], client, tls) }),
      introspection: askedAs(introspection),
    }),
  );
  return {
    client: await readClient(['gateway', 'client'], gateway.client, tls),
    introspection: askedAs(gateway.introspection),
    issuers: await Promise.all(issuers),
    ...(makesJwts(gateway) && { ownJwts: await readOwnJwts(gateway, ownJwtKey) }),
  };
}

function askedAs({ tokenPattern: _, maxAge, ...asked }: Asked) {
  return { ...asked, ...(maxAge !== undefined && { maxAge }) };
}

/** Whether there is an authorization server that has no JWTs to give. */
function makesJwts({ introspection, issuers }: Config['gateway']): boolean {
  return [introspection, ...issuers.map((issuer) => issuer.introspection)].some(
    ({ accept }) => accept !== 'application/jwt',
  );
}

async function readClient(path: Path, client: Client, tls: Tls | undefined): Promise<GatewayConfig['client']> {
  const { id, secret, privateKey, algorithm, keyId, certificate, key } = client;
  if (secret !== undefined) return { id, secret };
  const read = (name: 'privateKey' | 'certificate' | 'key' | 'ca') => readMaterial([...path, name], client[name]);
  if (privateKey !== undefined) {
    const options = { ...(algorithm && { algorithm }), ...(keyId && { keyId }) };
    return { id, privateKey: await read('privateKey'), ...options };
  }
  if (certificate === undefined || key === undefined) throw new TypeError('the client was checked for this');
  const ca = client.ca === undefined ? tls?.ca : await read('ca');
  return { id, certificate: await read('certificate'), key: await read('key'), ...(ca !== undefined && { ca }) };
}

async function readOwnJwts(
  { ownJwts: { issuer, signingKey, lifetime }, publicUrl = '' }: Config['gateway'],
  ownJwtKey: OwnJwtKey,
): Promise<NonNullable<GatewayConfig['ownJwts']>> {
  const path = ['gateway', 'ownJwts', 'signingKey'];
  const key = signingKey === undefined ? await ownJwtKey() : parseJwk(path, await readMaterial(path, signingKey));
  return { issuer: issuer ?? publicUrl, signingKey: key, lifetime };
}

function parseJwk(path: Path, text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    // The cause may quote the key.
    throw wrong(path, 'expected a private JWK');
  }
}

/** What the gateway says of a key or a certificate that it cannot use, where a person looks for it. */
export function asGatewayConfigError(error: unknown): unknown {
  if (error instanceof TypeError && /^route \S+: upstreamTls/.test(error.message)) {
    return new ConfigError('the configuration', [`gateway.routes: ${error.message}`]);
  }
  if (!(error instanceof TypeError) || !/^(?:issuers\[\d+\]\.)?(?:client|ownJwts)\./.test(error.message)) return error;
  return new ConfigError('the configuration', [`gateway.${error.message}`]);
}

import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  type AccessTokenClaims,
  AccessTokenError,
  certificateOfConnection,
  certificateOfHeader,
  createDPoPNonces,
  createReplayMemory,
  createSenderConstraint,
  type DPoPNonces,
  type UseOnce,
} from '@tallystick/resource-server';
import type { TokenStore } from '@tallystick/token-store';
import type { GatewayConfig } from '../config/config.ts';
import type { OwnOrigin } from '../http/public_origin.ts';
import type { IsTrustedProxy } from '../http/trusted_proxies.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import { throwStoreFailure } from '../tokens/store_failure.ts';
import type { Credentials } from './credentials.ts';

/** What a client requests, and the request with the proof. */
export interface RequestedResource {
  readonly request: IncomingMessage;
  readonly method: string;
  /** Request target. */
  readonly target: string;
}

/**
 * Checks on every request that a bound token comes from its owner (RFC 9449, RFC 8705). Without claims (`opaque`, where the API
 * introspects the token) the API checks the proof.
 *
 * @returns undefined, without a promise, when there is nothing to check; else a promise of the nonce for the client's next proof, if any
 * @throws {AccessTokenError} the constraint is not satisfied
 * @throws {ValidationUnavailableError} the store does not say whether the proof was used before
 */
export type CheckSenderConstraint = (
  requested: RequestedResource,
  route: Pick<ProtectedRoute, 'config' | 'dpopNonce' | 'host'>,
  credentials: Credentials,
  claims: AccessTokenClaims | undefined,
) => Promise<string | undefined> | undefined;

export interface SenderConstraintConfig extends Pick<GatewayConfig, 'dpop'> {
  /** Gateways with the same secret accept each other's nonces. */
  readonly nonceSecret: string;
}

export interface SenderConstraintDependencies {
  readonly useOnce: UseOnce;
  readonly ownOrigin: OwnOrigin;
  /** Without it, tokens that are bound to a certificate are refused. */
  readonly certificateOf?: CertificateOf | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createCheckSenderConstraint(
  { dpop, nonceSecret }: SenderConstraintConfig,
  { useOnce, ownOrigin, certificateOf, now }: SenderConstraintDependencies,
): CheckSenderConstraint {
  const nonces = createDPoPNonces({ secret: nonceSecret }, { now });
  const constraint = (withNonces: DPoPNonces | undefined) =>
    createSenderConstraint<RequestedResource & { rawHeaders: readonly string[]; origin: string | undefined }>(
      {
        dpop: { ...dpop, uriOf: ({ origin, target }) => uriOf(origin, target) },
        ...(certificateOf && { certificateOf: ({ request }) => certificateOf(request) }),
      },
      { useOnce, nonces: withNonces, now },
    );
  const constraints = { off: constraint(undefined), required: constraint(nonces) };

  return (requested, route, credentials, claims) => {
    if (route.config.dpop?.required && credentials.scheme !== 'DPoP') {
      throw new AccessTokenError('invalid_token', 'the API accepts only access tokens that are bound to a DPoP key');
    }
    const origin = credentials.scheme === 'DPoP' ? ownOrigin(requested.request, route) : undefined;
    // Also when the API checks the proof: it compares htu with the host that the gateway sends.
    if (credentials.scheme === 'DPoP' && origin === undefined) {
      throw new AccessTokenError('invalid_dpop_proof', 'the Host header is not a known name of the gateway');
    }
    if (claims === undefined || (claims.cnf === undefined && credentials.scheme === 'Bearer')) return undefined;
    const { rawHeaders } = requested.request;
    return constraints[route.dpopNonce].check({ ...requested, rawHeaders, origin }, credentials, claims);
  };
}

function uriOf(origin: string | undefined, target: string): string | undefined {
  return origin === undefined ? undefined : `${origin}${target}`;
}

/** Number of proofs that a gateway remembers at one time if the store does not. */
const rememberedProofs = 100_000;

export interface UseOnceDependencies {
  readonly store: Pick<TokenStore, 'useOnce'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Remembers used proofs where the configuration says. */
export function createUseOnce({ replay }: GatewayConfig['dpop'], { store, now }: UseOnceDependencies): UseOnce {
  return replay === 'memory' ? createReplayMemory({ maxEntries: rememberedProofs }, { now }) : onceInStore(store);
}

/** Remembers used proofs for all gateways on the store. An unavailable store is no reason to refuse a proof with 401. */
function onceInStore(store: Pick<TokenStore, 'useOnce'>): UseOnce {
  return (name, expiresIn) => store.useOnce(name, expiresIn).catch(throwStoreFailure);
}

/** The certificate that the client of a request presented, if any. */
export type CertificateOf = (request: IncomingMessage) => X509Certificate | undefined;

/**
 * Reads the certificate from the TLS connection. A trusted proxy terminates the client's TLS connection, so it sends the client's
 * certificate in a header; the certificate of its own connection is ignored.
 *
 * @param header in lower case
 */
export function createCertificateOf(header: string, isTrustedProxy: IsTrustedProxy): CertificateOf {
  return (request) => {
    if (!isTrustedProxy(request)) return certificateOfConnection(request.socket);
    const value = request.headers[header]?.toString();
    return value === undefined ? undefined : certificateOfHeader(value);
  };
}

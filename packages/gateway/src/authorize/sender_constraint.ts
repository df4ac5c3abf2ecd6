import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  type AccessTokenClaims,
  AccessTokenError,
  certificateOfConnection,
  certificateOfHeader,
  createDPoPNonces,
  createSenderConstraint,
  type DPoPNonces,
  type UseOnce,
  ValidationUnavailableError,
} from '@tallystick/resource-server';
import { StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import type { GatewayConfig } from '../config/config.ts';
import type { OwnOrigin } from '../http/public_origin.ts';
import type { IsTrustedProxy } from '../http/trusted_proxies.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import type { Credentials } from './credentials.ts';

/** What a client asked for, and the request that says so; behind another gateway they need not be one. */
export interface AskedFor {
  readonly request: IncomingMessage;
  readonly method: string;
  /** Request target. */
  readonly target: string;
}

/**
 * Checks that a token comes from whom it is bound to, on every request: RFC 9449, RFC 8705. Where there are no claims, because the
 * API finds them out for itself, the proof is the API's to check too.
 *
 * @returns undefined at once when there is nothing to check; else the nonce for the client's next proof, if it is to be given one
 * @throws {AccessTokenError} the constraint is not satisfied
 * @throws {ValidationUnavailableError} whether the proof was used before could not be found out
 */
export type CheckSenderConstraint = (
  asked: AskedFor,
  route: Pick<ProtectedRoute, 'dpop' | 'host'>,
  credentials: Credentials,
  claims: AccessTokenClaims | undefined,
) => Promise<string | undefined> | undefined;

export interface SenderConstraintConfig extends Pick<GatewayConfig, 'dpop'> {
  /** Gateways with the same one accept each other's nonces. */
  readonly nonceSecret: string;
}

export interface SenderConstraintDependencies {
  readonly useOnce: UseOnce;
  readonly ownOrigin: OwnOrigin;
  /** Where there is none, tokens that are bound to a certificate are refused. */
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
    createSenderConstraint<AskedFor & { rawHeaders: readonly string[]; origin: string | undefined }>(
      {
        dpop: { ...dpop, uriOf: ({ origin, target }) => uriOf(origin, target) },
        ...(certificateOf && { certificateOf: ({ request }) => certificateOf(request) }),
      },
      { useOnce, nonces: withNonces, now },
    );
  const constraints = { off: constraint(undefined), required: constraint(nonces) };

  return (asked, route, credentials, claims) => {
    if (route.dpop.required && credentials.scheme !== 'DPoP') {
      throw new AccessTokenError('invalid_token', 'the API takes no access token that is not bound to a DPoP key');
    }
    const origin = credentials.scheme === 'DPoP' ? ownOrigin(asked.request, route) : undefined;
    // Also where the API checks the proof: it compares it with the host that the gateway tells.
    if (credentials.scheme === 'DPoP' && origin === undefined) {
      throw new AccessTokenError(
        'invalid_dpop_proof',
        'the Host of the request is not known to be a name of the gateway',
      );
    }
    if (claims === undefined || (claims.cnf === undefined && credentials.scheme === 'Bearer')) return undefined;
    const { rawHeaders } = asked.request;
    return constraints[route.dpop.nonce].check({ ...asked, rawHeaders, origin }, credentials, claims);
  };
}

function uriOf(origin: string | undefined, target: string): string | undefined {
  return origin === undefined ? undefined : `${origin}${target}`;
}

/** Remembers what was used for all gateways on the store. While it is away nobody can tell, and that is no verdict on a proof. */
export function onceInStore(store: Pick<TokenStore, 'useOnce'>): UseOnce {
  return async (name, expiresIn) => {
    try {
      return await store.useOnce(name, expiresIn);
    } catch (cause) {
      if (!(cause instanceof StoreUnavailableError)) throw cause;
      throw new ValidationUnavailableError('the token store could not be reached', { cause });
    }
  };
}

/** The certificate of the client that sent a request, if it showed one. */
export type CertificateOf = (request: IncomingMessage) => X509Certificate | undefined;

/**
 * A certificate comes from the TLS connection. Behind a trusted proxy, which ended the client's connection, it comes from a header:
 * what the proxy shows of itself is not the client's.
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

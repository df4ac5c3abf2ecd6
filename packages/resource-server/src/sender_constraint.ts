import type { X509Certificate } from 'node:crypto';
import { sameText } from '@tallystick/common';
import type { AccessTokenClaims } from './access_token_claims.ts';
import { certificateThumbprint } from './client_certificate.ts';
import { createProofCheck, type DPoPOptions, defaultDPoPAlgorithms } from './dpop/check_proof.ts';
import type { DPoPNonces } from './dpop/nonces.ts';
import { createReplayMemory, type UseOnce } from './dpop/replay_memory.ts';
import { AccessTokenError } from './errors.ts';
import { requireFunction } from './options.ts';
import type { AccessTokenScheme, CredentialsRequest, PresentedAccessToken } from './read_access_token.ts';

/** Checks that only its owner can use a token that is bound to a key (`cnf`, RFC 7800). */
export interface SenderConstraint<Request = CredentialsRequest> {
  /** The schemes under which the API accepts access tokens. */
  readonly schemes: readonly AccessTokenScheme[];
  /** The JWS algorithms of DPoP proofs; empty when proofs are not checked. */
  readonly algorithms: readonly string[];
  /**
   * Checks that the sender holds the key that the token is bound to. A token without a binding passes.
   *
   * @returns the nonce for the client's next DPoP proof, when it needs a new one (`DPoP-Nonce`, RFC 9449 section 8.2)
   * @throws AccessTokenError when the sender does not hold the key
   * @throws ValidationUnavailableError when the check could not be completed
   */
  check(request: Request, presented: PresentedAccessToken, claims: AccessTokenClaims): Promise<string | undefined>;
}

/** Options of {@link createSenderConstraint}. Without any of them, every bound token is refused. */
export interface SenderConstraintOptions<Request> {
  /** Accepts tokens that are bound to a DPoP key (RFC 9449). */
  readonly dpop?: DPoPOptions & {
    /** The URI of the request, with scheme and authority; undefined when it is unknown. */
    readonly uriOf: (request: Request) => string | undefined;
    /**
     * Derives the client-held token, whose hash the proof contains, from the presented one. For a `split` token that a gateway
     * joined to the JWT, use {@link signatureOf}. Default: both are the same.
     */
    readonly clientHeldToken?: (token: string) => string;
  };
  /** Accepts tokens that are bound to the client certificate (RFC 8705 section 3). */
  readonly certificateOf?: (request: Request) => X509Certificate | undefined;
}

/** Dependencies of {@link createSenderConstraint}. */
export interface SenderConstraintDependencies {
  /** Records used proofs. Default: {@link createReplayMemory}, in this process. */
  readonly useOnce?: UseOnce;
  readonly nonces?: DPoPNonces | undefined;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

type ProvingRequest = Pick<CredentialsRequest, 'rawHeaders'> & { readonly method?: string | undefined };

/** The number of used proofs that one process remembers. */
const rememberedProofs = 100_000;

/**
 * Checks proofs of possession. A token with several bindings must satisfy every binding that is supported, and at least one. A
 * token that is bound to a DPoP key is not accepted as a bearer token, and no other token is accepted as a DPoP token (RFC 9449
 * section 7.2).
 *
 * @throws TypeError for an option of the wrong type
 * @example
 * ```ts
 * const senderConstraint = createSenderConstraint({ dpop: { uriOf: ({ url }) => `https://api.example.com${url}` } });
 * app.use(protectWithKoa({ validator, senderConstraint }));
 * ```
 */
export function createSenderConstraint<Request extends ProvingRequest>(
  options: SenderConstraintOptions<Request>,
  dependencies: SenderConstraintDependencies = {},
): SenderConstraint<Request> {
  const { dpop, certificateOf } = options;
  const { nonces, now = () => Date.now() } = dependencies;
  const { useOnce = createReplayMemory({ maxEntries: rememberedProofs }, { now }) } = dependencies;
  if (dpop !== undefined) requireFunction('dpop.uriOf', dpop.uriOf);
  if (certificateOf !== undefined) requireFunction('certificateOf', certificateOf);
  const checkProof = dpop && createProofCheck(dpop, { useOnce, nonces, now });

  function checkCertificate(request: Request, expected: string): void {
    const certificate = certificateOf?.(request);
    if (certificate !== undefined && sameText(certificateThumbprint(certificate), expected)) return;
    throw new AccessTokenError('invalid_token', "the access token is bound to a certificate that is not the client's");
  }

  return {
    schemes: dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP'],
    algorithms: dpop === undefined ? [] : [...(dpop.algorithms ?? defaultDPoPAlgorithms)],
    async check(request, { scheme, token }, { cnf }) {
      const { jkt, x5t } = cnf === undefined ? {} : readConfirmation(cnf);
      if (scheme === 'DPoP' && jkt === undefined) {
        throw new AccessTokenError('invalid_token', 'the access token is not bound to a DPoP key');
      }
      if (x5t !== undefined) checkCertificate(request, x5t);
      if (jkt === undefined) return undefined;
      if (scheme !== 'DPoP' || checkProof === undefined) {
        throw new AccessTokenError(
          'invalid_token',
          'the access token is bound to a DPoP key and is not a bearer token',
        );
      }
      return checkProof(request, {
        method: request.method ?? '',
        uri: dpop?.uriOf(request),
        token: dpop?.clientHeldToken?.(token) ?? token,
        thumbprint: jkt,
      });
    },
  };
}

/**
 * For an API that clients can reach through its gateway only. The gateway has checked the proof, so the API accepts a bound JWT
 * as a bearer token. A caller that bypasses the gateway with such a JWT needs no key.
 */
export const checkedAtTheGateway: SenderConstraint<unknown> = {
  schemes: ['Bearer'],
  algorithms: [],
  check: async () => undefined,
};

/** RFC 9449 section 6.1, RFC 8705 section 3.1. */
function readConfirmation(cnf: unknown): { jkt: string | undefined; x5t: string | undefined } {
  const members: Readonly<Record<string, unknown>> = typeof cnf === 'object' && cnf !== null ? { ...cnf } : {};
  const { jkt, 'x5t#S256': x5t } = members;
  const readable = (value: unknown) => value === undefined || typeof value === 'string';
  if ((jkt === undefined && x5t === undefined) || !readable(jkt) || !readable(x5t)) {
    throw new AccessTokenError('invalid_token', 'the binding of the access token (cnf) is not supported');
  }
  return { jkt, x5t } as { jkt: string | undefined; x5t: string | undefined };
}

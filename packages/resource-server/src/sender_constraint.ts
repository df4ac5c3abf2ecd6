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

/** How an API sees to it that a token that is bound to a key (`cnf`, RFC 7800) is good for its owner only. */
export interface SenderConstraint<Request = CredentialsRequest> {
  /** Under which an access token may be presented. */
  readonly schemes: readonly AccessTokenScheme[];
  /** The JWS algorithms of DPoP proofs; none where no proof is looked at. */
  readonly algorithms: readonly string[];
  /**
   * Checks what a token demands of its sender: nothing, if it is not bound.
   *
   * @returns the nonce for the next DPoP proof, when the client is to be given one (`DPoP-Nonce`, RFC 9449 section 8.2)
   * @throws AccessTokenError when it is not satisfied.
   * @throws ValidationUnavailableError when that could not be found out.
   */
  check(request: Request, presented: PresentedAccessToken, claims: AccessTokenClaims): Promise<string | undefined>;
}

/** Options of {@link createSenderConstraint}. Without any, every bound token is refused. */
export interface SenderConstraintOptions<Request> {
  /** Takes tokens that are bound to a key that the client proves to have (RFC 9449). */
  readonly dpop?: DPoPOptions & {
    /** The URI that the client asked for, scheme and authority included; undefined when that is not known. */
    readonly uriOf: (request: Request) => string | undefined;
    /**
     * The client-held token, which the proof is about, made from the one that was presented. For a `split` token that a
     * gateway joined to the JWT it is {@link signatureOf}. Default: it is the same.
     */
    readonly clientHeldToken?: (token: string) => string;
  };
  /** Takes tokens that are bound to the certificate that the client showed (RFC 8705 section 3). */
  readonly certificateOf?: (request: Request) => X509Certificate | undefined;
}

/** The world around {@link createSenderConstraint}. */
export interface SenderConstraintDependencies {
  /** Default: remembers in this process. */
  readonly useOnce?: UseOnce;
  readonly nonces?: DPoPNonces | undefined;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

type ProvingRequest = Pick<CredentialsRequest, 'rawHeaders'> & { readonly method?: string | undefined };

/** As many proofs as are remembered in a process at a time. */
const rememberedProofs = 100_000;

/**
 * Checks proofs of possession. A token that is bound in several ways must satisfy all of them that are known, and at least one;
 * a token that is bound to a DPoP key is no bearer token, and no other token is a DPoP token (RFC 9449 section 7.2).
 *
 * @throws TypeError for a badly typed option.
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
        throw new AccessTokenError('invalid_token', 'the access token is bound to a DPoP key and is no bearer token');
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
 * For an API that is reached through its gateway only, which checked the proof: a JWT that is bound to a key is taken as a
 * bearer token. Whoever can go around the gateway with such a JWT needs no key.
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
    throw new AccessTokenError('invalid_token', 'the access token is bound in a way that cannot be checked');
  }
  return { jkt, x5t } as { jkt: string | undefined; x5t: string | undefined };
}

import type { AccessTokenError } from './errors.ts';
import type { AccessTokenScheme } from './read_access_token.ts';

/** The parts of a challenge besides the error. */
export interface ChallengeOptions {
  /** The protection space (RFC 9110 section 11.5). */
  readonly realm?: string | undefined;
  /** URL of the API's protected resource metadata (RFC 9728 section 5.1). */
  readonly resourceMetadata?: string | undefined;
  /** The schemes under which the API accepts access tokens. Default: `Bearer`. */
  readonly schemes?: readonly AccessTokenScheme[] | undefined;
  /** The scheme that the refused request used. Default: the first of `schemes`. */
  readonly presented?: AccessTokenScheme | undefined;
  /** The JWS algorithms of DPoP proofs (`algs`, RFC 9449 section 7.1). */
  readonly algorithms?: readonly string[] | undefined;
}

type Attribute = readonly [name: string, value: string | undefined];

/**
 * The value of the `WWW-Authenticate` header for a refused request (RFC 6750 section 3, RFC 9449 section 7.1).
 *
 * A request without credentials gets no `error` (RFC 6750 section 3.1: "SHOULD NOT include an error code or other error
 * information"). A 401 offers every scheme of the API, with the error under the scheme that the client used. Where another
 * scheme would not help, the challenge names that one only.
 *
 * @example
 * ```ts
 * challenge(new AccessTokenError('invalid_token', 'the token has expired'), { realm: 'orders' });
 * // Bearer realm="orders", error="invalid_token", error_description="the token has expired"
 * ```
 */
export function challenge(error: AccessTokenError, options: ChallengeOptions = {}): string {
  const { schemes = ['Bearer'], presented } = options;
  const answered = isAboutProof(error)
    ? 'DPoP'
    : presented !== undefined && schemes.includes(presented)
      ? presented
      : schemes[0];
  if (answered === undefined) throw new TypeError('schemes must not be empty');
  const first = schemeChallenge(answered, errorAttributes(error), options);
  if (error.status !== 401 || isAboutProof(error)) return first;
  const others = schemes.filter((scheme) => scheme !== answered).map((scheme) => schemeChallenge(scheme, [], options));
  return [first, ...others].join(', ');
}

function isAboutProof({ code }: AccessTokenError): boolean {
  return code === 'invalid_dpop_proof' || code === 'use_dpop_nonce';
}

function errorAttributes(error: AccessTokenError): Attribute[] {
  if (error.code === 'missing_token') return [];
  return [
    ['error', error.code],
    ['error_description', error.description],
    ['scope', error.code === 'insufficient_scope' ? error.scope?.join(' ') : undefined],
  ];
}

function schemeChallenge(scheme: AccessTokenScheme, error: readonly Attribute[], options: ChallengeOptions): string {
  const attributes: Attribute[] = [
    ['realm', options.realm],
    ...error,
    ['algs', scheme === 'DPoP' ? options.algorithms?.join(' ') : undefined],
    ['resource_metadata', options.resourceMetadata],
  ];
  const present = attributes.flatMap(([name, value]) => (value === undefined ? [] : `${name}="${quotable(value)}"`));
  return [scheme, present.join(', ')].join(' ').trimEnd();
}

/** Removes every character that RFC 6750 section 3 does not allow inside quotes: %x20-21 / %x23-5B / %x5D-7E. */
function quotable(value: string): string {
  return value.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '');
}

import type { AccessTokenError } from './errors.ts';

/** What a challenge tells besides the error. */
export interface ChallengeOptions {
  /** The protection space (RFC 9110 section 11.5). */
  readonly realm?: string | undefined;
  /** URL of the API's protected resource metadata (RFC 9728 section 5.1). */
  readonly resourceMetadata?: string | undefined;
}

/**
 * The value of the `WWW-Authenticate` header for a refused request (RFC 6750 section 3).
 *
 * A request without credentials gets no `error` (section 3.1: "SHOULD NOT include an error code or other error information").
 *
 * @example
 * ```ts
 * challenge(new AccessTokenError('invalid_token', 'the token has expired'), { realm: 'orders' });
 * // Bearer realm="orders", error="invalid_token", error_description="the token has expired"
 * ```
 */
export function challenge(error: AccessTokenError, options: ChallengeOptions = {}): string {
  const sent = error.code !== 'missing_token';
  const attributes: [name: string, value: string | undefined][] = [
    ['realm', options.realm],
    ['error', sent ? error.code : undefined],
    ['error_description', sent ? error.description : undefined],
    ['scope', error.code === 'insufficient_scope' ? error.scope?.join(' ') : undefined],
    ['resource_metadata', options.resourceMetadata],
  ];
  const present = attributes.flatMap(([name, value]) => (value === undefined ? [] : `${name}="${quotable(value)}"`));
  return ['Bearer', present.join(', ')].join(' ').trimEnd();
}

/** Keeps what RFC 6750 section 3 allows inside the quotes: %x20-21 / %x23-5B / %x5D-7E. */
function quotable(value: string): string {
  return value.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '');
}

/**
 * Why an access token is refused, in words for an operator. The codes are stable: they are in logs, and may be in the
 * {@link TOKEN_PROBLEM_HEADER} of an introspection response.
 */
export const TOKEN_PROBLEMS = {
  expired: 'the access token has expired',
  not_valid_yet: 'the access token is not valid yet',
  revoked: 'the access token was revoked, or its client or user was removed',
  other_audience: 'the access token is for another API',
  other_issuer: 'another authorization server issued the access token',
  wrong_type: 'the token is not an access token',
  wrong_signature: 'the signature of the access token does not verify',
  malformed: 'the access token is malformed',
  not_introspectable: 'the client that introspects lacks `introspects` for the API of the access token',
  unknown: 'no such access token is known: it was never issued here, or it ended too long ago or at another process',
} as const;

export type TokenProblem = keyof typeof TOKEN_PROBLEMS;

/**
 * Names the problem of a token in an introspection response. RFC 7662 section 2.2: the response should not say why a token is not
 * active. An authorization server therefore sends this header only where it runs for development.
 */
export const TOKEN_PROBLEM_HEADER = 'Tallystick-Token-Problem';

/** @param value of a header or a log field @returns undefined for anything that is not a code */
export function readTokenProblem(value: string | null | undefined): TokenProblem | undefined {
  return typeof value === 'string' && Object.hasOwn(TOKEN_PROBLEMS, value) ? (value as TokenProblem) : undefined;
}

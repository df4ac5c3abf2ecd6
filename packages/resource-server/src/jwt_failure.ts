import type { TokenProblem } from '@tallystick/common';
import { errors } from 'jose';
import { AccessTokenError } from './errors.ts';

const descriptions: Readonly<Record<string, string>> = {
  kind: 'the token is not an access token',
  typ: 'the token is not an access token: its typ is not at+jwt',
  iss: "the token's issuer is not the one this API trusts",
  aud: "the token's audience is not this API",
  nbf: 'the token is not valid yet',
};

/**
 * The error for a JWT that jose refuses (`invalid_token`, RFC 6750 section 3.1). Its description names the claim and the
 * reason, but nothing that the token contains. jose's error is not kept as the cause, because it carries the whole payload.
 */
export function jwtFailure(error: errors.JOSEError): AccessTokenError {
  return new AccessTokenError('invalid_token', describe(error), { problem: problemOf(error) });
}

/** The error for one claim. @param claim a name that this package asks for, never text from the token */
export function claimFailure(claim: string, reason: 'missing' | 'malformed' | 'refused'): AccessTokenError {
  const problem = problemOfClaim(claim, reason);
  return new AccessTokenError('invalid_token', describeClaim(claim, reason), { problem });
}

function problemOf(error: errors.JOSEError): TokenProblem {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return problemOfClaim(error.claim, reasons[error.reason]);
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'wrong_signature';
  return 'malformed';
}

/** The claims whose refusal says what is wrong with the token. */
const problems: Readonly<Record<string, TokenProblem>> = {
  kind: 'wrong_type',
  typ: 'wrong_type',
  iss: 'other_issuer',
  aud: 'other_audience',
  nbf: 'not_valid_yet',
};

function problemOfClaim(claim: string, reason: 'missing' | 'malformed' | 'refused' = 'refused'): TokenProblem {
  return (reason === 'refused' ? problems[claim] : undefined) ?? 'malformed';
}

function describe(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return describeClaim(error.claim, reasons[error.reason]);
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the token's signature does not verify";
  if (error instanceof errors.JOSEAlgNotAllowed) return "the token's signing algorithm is not accepted";
  return 'the token is not a well-formed JWT';
}

const reasons: Readonly<Record<string, 'missing' | 'malformed' | 'refused'>> = {
  missing: 'missing',
  invalid: 'malformed',
  check_failed: 'refused',
};

function describeClaim(claim: string, reason: 'missing' | 'malformed' | 'refused' = 'refused'): string {
  if (reason === 'missing') return `the token has no ${claim} claim`;
  const refused = reason === 'refused' ? descriptions[claim] : undefined;
  return refused ?? `the token's ${claim} claim is malformed`;
}

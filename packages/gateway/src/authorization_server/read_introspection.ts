import type { TokenProblem } from '@tallystick/common';
import {
  AccessTokenError,
  declaresAccessToken,
  foreignClientIdClaims,
  InvalidValidatorResponseError,
  readScope,
} from '@tallystick/resource-server';

/** The introspection of an active token (RFC 7662 section 2.2), with checked types. */
export interface TokenIntrospection {
  readonly iss?: string;
  readonly sub?: string;
  readonly client_id?: string;
  readonly aud?: string | readonly string[];
  /** Epoch seconds. */
  readonly exp?: number;
  /** Epoch seconds. */
  readonly nbf?: number;
  readonly scope?: string;
  readonly token_type?: string;
  /** The key that the token is bound to (RFC 7800). */
  readonly cnf?: { readonly [method: string]: unknown };
  /** A JWT that stands for the token, as Curity sends it. */
  readonly phantom_token?: string;
  /** The same, as Keycloak sends it. */
  readonly jwt?: string;
  readonly [member: string]: unknown;
}

/**
 * Reads an introspection answer as JSON.
 *
 * @param scopeClaims the members that hold scopes
 * @returns undefined when the token is not active
 * @throws {InvalidValidatorResponseError} for anything that is not an introspection answer
 */
export function parseIntrospection(body: string, scopeClaims: readonly string[]): TokenIntrospection | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // The SyntaxError quotes what it could not parse.
    throw malformed('is not JSON');
  }
  return readIntrospection(json, scopeClaims);
}

/**
 * Reads an introspection answer strictly. It must have a boolean `active`, and a member of a wrong type makes the whole answer invalid. A
 * member that is null counts as missing.
 *
 * @param scopeClaims the members that hold scopes, as a string or a list; they become `scope`
 * @returns undefined when the token is not active
 * @throws {InvalidValidatorResponseError} for anything that is not an introspection answer
 */
export function readIntrospection(json: unknown, scopeClaims: readonly string[]): TokenIntrospection | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw malformed('is not an object');
  const members = Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null)) as Record<
    string,
    unknown
  >;
  if (typeof members.active !== 'boolean') throw malformed('has no boolean active');
  if (!members.active) return undefined;
  for (const [type, names] of Object.entries(types)) {
    for (const name of names) {
      if (members[name] !== undefined && !isOfType(members[name], type)) throw malformed(`has a malformed ${name}`);
    }
  }
  const scope = readScope(members, scopeClaims);
  if (scope === null) throw malformed(`has a malformed ${scopeClaims.join(' or ')}`);
  const clientId = foreignClientIdClaims.map((name) => members[name]).find((named) => named !== undefined);
  return { ...members, scope, client_id: clientId } as TokenIntrospection;
}

const types = {
  text: ['iss', 'sub', ...foreignClientIdClaims, 'username', 'token_type', 'jti', 'phantom_token', 'jwt'],
  time: ['exp', 'nbf', 'iat'],
  audience: ['aud'],
  object: ['cnf', 'act'],
} as const;

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string' && value !== '';
    case 'time':
      return typeof value === 'number' && Number.isFinite(value);
    case 'audience':
      return [value].flat().every((name) => typeof name === 'string');
    default:
      return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}

export interface IntrospectionExpectations {
  /** Issuer identifier of the authorization server. */
  readonly issuer: string;
  /** The gateway's own client there. */
  readonly clientId: string | undefined;
  /** Accepted values of `aud`. */
  readonly audience: readonly string[];
  /** Whether the answer must have an `aud`. */
  readonly audienceIs: 'required' | 'optional';
  /** Whether an answer without `aud` must say that it is about an access token. */
  readonly tokenTypeIs: 'required' | 'optional';
}

/**
 * Requires that an active token is a currently valid access token for the API.
 *
 * @param time epoch milliseconds
 * @returns the accepted audiences that the token has
 * @throws {AccessTokenError} `invalid_token` when it is not
 * @throws {InvalidValidatorResponseError} for an answer about the tokens of another issuer
 */
export function requireAccessToken(
  introspection: TokenIntrospection,
  { issuer, clientId, audience, audienceIs, tokenTypeIs }: IntrospectionExpectations,
  time: number,
): readonly string[] {
  const { iss, exp, nbf, token_type: tokenType } = introspection;
  if (iss !== undefined && iss !== issuer) throw malformed('names another issuer');
  if (introspection.sub === undefined && introspection.client_id === undefined) {
    throw malformed('names neither a subject nor a client');
  }
  if (exp !== undefined && exp * 1000 <= time) throw refused('the token has expired', 'expired');
  if (nbf !== undefined && nbf * 1000 > time) throw refused('the token is not valid yet', 'not_valid_yet');
  // Duende IdentityServer says access_token.
  if (tokenType !== undefined && !/^(?:bearer|dpop|access_token)$/i.test(tokenType))
    throw refused(notAccessToken, 'wrong_type');
  const declared = declaresAccessToken(introspection);
  if (declared === false) throw refused(notAccessToken, 'wrong_type');
  // RFC 9449 section 6.2. Without the key, a stolen token could be used as a bearer token.
  if (tokenType?.toLowerCase() === 'dpop' && typeof introspection.cnf?.jkt !== 'string') {
    throw malformed('does not name the key that the token is bound to');
  }
  const audiences = [introspection.aud ?? []].flat();
  const ours = audience.filter((name) => audiences.includes(name));
  if (ours.length > 0) return ours;
  // A token for the gateway's own client is for the APIs behind the gateway.
  if (clientId !== undefined && audiences.includes(clientId)) return audience.slice(0, 1);
  if (audiences.length > 0 || audienceIs === 'required')
    throw refused("the token's audience is not this API", 'other_audience');
  // The introspection of a refresh token (RFC 7662 section 2.1) has no audience and no type either.
  if (tokenType === undefined && declared === undefined && tokenTypeIs === 'required') {
    throw refused('the introspection does not say that it is an access token', 'wrong_type');
  }
  return audience.slice(0, 1);
}

const notAccessToken = 'it is not an access token';

function refused(description: string, problem: TokenProblem): AccessTokenError {
  return new AccessTokenError('invalid_token', description, { problem });
}

function malformed(what: string): InvalidValidatorResponseError {
  return new InvalidValidatorResponseError(`the authorization server's answer ${what}`);
}

import { fetchJson } from '@tallystick/common';
import { type AccessTokenClaims, type AccessTokenValidator, readScope } from './access_token_claims.ts';
import {
  AccessTokenError,
  InvalidValidatorResponseError,
  ValidationUnavailableError,
  ValidatorRefusedError,
} from './errors.ts';
import { requireAudience, requireFunction, requireHttpUrl, requireNumber, requireString } from './options.ts';

/** Options of {@link createIntrospectionValidator}. */
export interface IntrospectionValidatorOptions {
  /** RFC 7662 section 2. */
  readonly introspectionEndpoint: string;
  /** The `client_id` of this API at the authorization server. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The resource indicators of this API. A token must name one of them. */
  readonly audience: string | readonly string[];
  /** If given, an answer with another `iss` is refused. */
  readonly issuer?: string;
  /** Timeout of the call in milliseconds. Default: 3000. */
  readonly timeout?: number;
}

/** Dependencies of {@link createIntrospectionValidator}. */
export interface IntrospectionValidatorDependencies {
  readonly fetch?: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

/**
 * Validates access tokens by introspection (RFC 7662). It asks for every token on every call and caches nothing, so a
 * revocation takes effect with the next call.
 *
 * Its `validate` throws AccessTokenError `invalid_token` for a token that is inactive, expired or for another API,
 * ValidatorRefusedError when the endpoint answers 401 or 403, InvalidValidatorResponseError for an answer that cannot be
 * used, and ValidationUnavailableError for any other failure.
 *
 * @throws TypeError for an option of the wrong type
 * @example
 * ```ts
 * const validator = createIntrospectionValidator({
 *   introspectionEndpoint: 'https://login.example.com/introspect',
 *   clientId: 'orders-api',
 *   clientSecret: process.env.ORDERS_API_SECRET ?? '',
 *   audience: 'https://api.example.com/orders',
 * });
 * ```
 */
export function createIntrospectionValidator(
  options: IntrospectionValidatorOptions,
  dependencies: IntrospectionValidatorDependencies = {},
): AccessTokenValidator {
  const { introspectionEndpoint, clientId, clientSecret, audience, issuer, timeout = 3000 } = options;
  const { fetch = globalThis.fetch, now = () => Date.now() } = dependencies;
  requireHttpUrl('introspectionEndpoint', introspectionEndpoint);
  requireString('clientId', clientId);
  requireString('clientSecret', clientSecret);
  const audiences = requireAudience(audience);
  if (issuer !== undefined) requireString('issuer', issuer);
  requireNumber('timeout', timeout, 1);
  requireFunction('fetch', fetch);
  requireFunction('now', now);

  const headers = { accept: 'application/json', authorization: basicCredentials(clientId, clientSecret) };

  async function introspect(token: string): Promise<Readonly<Record<string, unknown>>> {
    const body = new URLSearchParams({ token, token_type_hint: 'access_token' });
    const { status, json } = await fetchJson({
      subject: 'the introspection endpoint',
      url: introspectionEndpoint,
      init: { method: 'POST', headers, body },
      mediaType: 'application/json',
      unavailable: (description, options) => new ValidationUnavailableError(description, options),
      invalid: (description) => new InvalidValidatorResponseError(description),
      timeout,
      fetch,
    });
    if (status === 401 || status === 403) {
      throw new ValidatorRefusedError('the introspection endpoint refused the credentials of this API');
    }
    if (status !== 200) throw failureOf(status);
    if (!isIntrospectionResponse(json)) {
      throw new InvalidValidatorResponseError('the introspection response is malformed');
    }
    const scope = readScope(json, ['scope']);
    return scope === undefined ? json : { ...json, scope };
  }

  return {
    async validate(token) {
      const { active, ...claims } = await introspect(token);
      if (active === false) throw new AccessTokenError('invalid_token', 'the token is not active');
      if (!isForAudience(claims, audiences)) {
        throw new AccessTokenError('invalid_token', "the token's audience is not this API");
      }
      if (issuer !== undefined && claims.iss !== undefined && claims.iss !== issuer) {
        throw new AccessTokenError('invalid_token', "the token's issuer is not the one this API trusts");
      }
      if (typeof claims.exp === 'number' && claims.exp * 1000 <= now()) {
        throw new AccessTokenError('invalid_token', 'the token has expired');
      }
      return claims;
    },
  };
}

/** A failing server may recover; a server that rejects the request will always reject it. */
function failureOf(status: number): Error {
  const description = `the introspection endpoint answered with status ${status}`;
  const mayPass = status >= 500 || status === 408 || status === 425 || status === 429;
  return mayPass ? new ValidationUnavailableError(description) : new InvalidValidatorResponseError(description);
}

/** RFC 6749 section 2.3.1: id and secret are form-urlencoded before they are joined. */
function basicCredentials(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')}`;
}

function formEncode(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice('='.length);
}

/** RFC 7662 section 2.2: `active` is required; the other members are optional but typed. */
function isIntrospectionResponse(json: unknown): json is Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  const { active, exp, scope } = json as Readonly<Record<string, unknown>>;
  return (
    typeof active === 'boolean' &&
    (exp === undefined || typeof exp === 'number') &&
    readScope({ scope }, ['scope']) !== null
  );
}

function isForAudience(
  claims: Readonly<Record<string, unknown>>,
  audiences: readonly string[],
): claims is Readonly<Record<string, unknown>> & AccessTokenClaims {
  return [claims.aud].flat().some((audience) => audiences.includes(audience as string));
}

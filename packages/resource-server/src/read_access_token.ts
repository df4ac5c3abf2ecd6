import { AccessTokenError } from './errors.ts';

/** An authentication scheme for access tokens: RFC 6750 section 2.1, RFC 9449 section 7.1. */
export type AccessTokenScheme = 'Bearer' | 'DPoP';

/** An access token as the client presented it. It is not validated yet. */
export interface PresentedAccessToken {
  readonly scheme: AccessTokenScheme;
  /** As the client sent it. */
  readonly token: string;
}

/** The part of a Node.js request that holds credentials. */
export interface CredentialsRequest {
  /** Names and values in turn, with duplicates, as in `http.IncomingMessage.rawHeaders`. */
  readonly rawHeaders: readonly string[];
  /** The request target, in origin or absolute form. */
  readonly url?: string | undefined;
}

const schemePattern = /^(?:(bearer)|dpop)(?=[ \t]|$)/i;
/** `1*SP b64token` (RFC 6750 section 2.1); `1*SP token68` (RFC 9449 section 7.1) is the same. */
const spacesAndToken = /^ +([A-Za-z0-9\-._~+/]+=*)$/;

/**
 * Reads the access token from the `Authorization` header. The scheme is case-insensitive.
 *
 * It reads `rawHeaders`, because `headers` keeps only the first of several `Authorization` headers and another hop might
 * read the second.
 *
 * @param schemes the supported schemes; a request with another scheme counts as one without a token
 * @param options.query `ignore` for an API that uses a parameter named `access_token` for another purpose. It is never read here.
 * @throws AccessTokenError `missing_token` without an `Authorization` header or with another scheme;
 *   `invalid_request` with several `Authorization` headers or with `access_token` in the query;
 *   `invalid_token` when no b64token follows the scheme
 */
export function readAccessToken(
  request: CredentialsRequest,
  schemes: readonly AccessTokenScheme[] = ['Bearer', 'DPoP'],
  options: { readonly query?: 'refuse' | 'ignore' } = {},
): PresentedAccessToken {
  if (options.query !== 'ignore') refuseTokenInQuery(request.url);
  const [authorization = '', ...others] = headerValues(request, 'authorization');
  if (others.length > 0) {
    throw new AccessTokenError('invalid_request', 'the request has more than one Authorization header');
  }
  const scheme = schemeOf(authorization);
  if (scheme === undefined || !schemes.includes(scheme)) {
    throw new AccessTokenError('missing_token', 'an access token is required');
  }
  const token = spacesAndToken.exec(authorization.slice(scheme.length))?.[1];
  if (token === undefined) {
    throw new AccessTokenError('invalid_token', 'the Authorization header does not carry one well-formed access token');
  }
  return { scheme, token };
}

/** @returns the scheme of the `Authorization` header, if it is one for access tokens; the challenge uses the same scheme */
export function presentedScheme(request: CredentialsRequest): AccessTokenScheme | undefined {
  const [authorization = ''] = headerValues(request, 'authorization');
  return schemeOf(authorization);
}

function schemeOf(authorization: string): AccessTokenScheme | undefined {
  const match = schemePattern.exec(authorization);
  return match === null ? undefined : match[1] === undefined ? 'DPoP' : 'Bearer';
}

/**
 * Refuses a token in the query. RFC 6750 section 2.3 allows it, but section 5.3 warns of it and OAuth 2.1 drops it, because it
 * ends up in logs.
 *
 * @throws AccessTokenError `invalid_request`
 */
export function refuseTokenInQuery(url = ''): void {
  const start = url.indexOf('?');
  if (start === -1) return;
  // URLSearchParams decodes names and never throws: it keeps malformed percent-encoding as it is.
  if (new URLSearchParams(url.slice(start + 1)).has('access_token')) {
    throw new AccessTokenError('invalid_request', 'an access token must not be sent in the query');
  }
}

/** @returns the values of all headers of this name, in order. @param name in lower case */
export function headerValues({ rawHeaders }: { readonly rawHeaders: readonly string[] }, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

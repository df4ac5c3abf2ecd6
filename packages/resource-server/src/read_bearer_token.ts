import { AccessTokenError } from './errors.ts';

/** The part of a Node.js request that credentials are read from. */
export interface BearerRequest {
  /** Names and values in turn, duplicates kept, as `http.IncomingMessage.rawHeaders`. */
  readonly rawHeaders: readonly string[];
  /** The request target, in origin or absolute form. */
  readonly url?: string | undefined;
}

const scheme = /^bearer(?=[ \t]|$)/i;
/** `1*SP b64token` (RFC 6750 section 2.1). */
const spacesAndToken = /^ +([A-Za-z0-9\-._~+/]+=*)$/;

/**
 * Reads the access token from the `Authorization` header (RFC 6750 section 2.1). The scheme is case-insensitive.
 *
 * Looks at `rawHeaders` because `headers` keeps only the first of several `Authorization` headers, and another hop might
 * have read the other.
 *
 * @returns the token, verbatim.
 * @throws AccessTokenError `missing_token` without an `Authorization` header or with another scheme;
 *   `invalid_request` with several `Authorization` headers or with `access_token` in the query;
 *   `invalid_token` when what follows the scheme is not a b64token.
 */
export function readBearerToken(request: BearerRequest): string {
  refuseTokenInQuery(request.url);
  const [authorization, ...others] = headerValues(request.rawHeaders, 'authorization');
  if (others.length > 0) {
    throw new AccessTokenError('invalid_request', 'the request has more than one Authorization header');
  }
  if (authorization === undefined || !scheme.test(authorization)) {
    throw new AccessTokenError('missing_token', 'an access token is required');
  }
  const token = spacesAndToken.exec(authorization.slice('bearer'.length))?.[1];
  if (token === undefined) {
    throw new AccessTokenError('invalid_token', 'the Authorization header does not carry one well-formed access token');
  }
  return token;
}

/** RFC 6750 section 2.3 allows a token in the query, section 5.3 warns of it, and OAuth 2.1 drops it: it ends up in logs. */
function refuseTokenInQuery(url = ''): void {
  const start = url.indexOf('?');
  if (start === -1) return;
  // URLSearchParams decodes names and leaves broken percent-encoding as it is; it never throws.
  if (new URLSearchParams(url.slice(start + 1)).has('access_token')) {
    throw new AccessTokenError('invalid_request', 'an access token must not be sent in the query');
  }
}

function headerValues(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

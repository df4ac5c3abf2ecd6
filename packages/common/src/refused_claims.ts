/** Claims that only the authorization server sets. */
const SET_BY_THE_SERVER = new Set([
  // Access tokens: RFC 7519 section 4.1, RFC 9068 section 2.2, RFC 7800 section 3.1, RFC 8693 section 4.1, RFC 9396 section 9.1.
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'cnf',
  'act',
  'authorization_details',
  // How and when the user signed in: RFC 9068 section 2.2.1.
  'auth_time',
  'acr',
  'amr',
  // Introspection: RFC 7662 section 2.2, RFC 9701 section 5.
  'active',
  'token_type',
  'token_introspection',
  // ID tokens and logout tokens: OpenID Connect Core sections 2 and 3.3.2.11, FAPI 1.0 part 2, Back-Channel Logout section 2.4.
  'azp',
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'sid',
  'events',
]);

/** Prefix of claims that OpenID Connect reserves for the server, such as those of CIBA Core section 10.3.1. */
const OPENID_PREFIX = 'urn:openid:params:jwt:claim:';

/** Names that every object inherits: code that looks them up would get the claim instead of the inherited value. */
const INHERITED = new Set(['__proto__', 'constructor', 'prototype']);

/** Maximum nesting depth of objects and lists. */
const MAX_DEPTH = 20;

/** Why a claim is refused. */
export type RefusedClaim = {
  readonly path: readonly (string | number)[];
  readonly reason: 'set by the server' | 'inherited name' | 'too deep';
};

/** @returns the first claim that only the server sets */
export function claimSetByTheServer(names: Iterable<string>): string | undefined {
  for (const name of names) if (SET_BY_THE_SERVER.has(name) || name.startsWith(OPENID_PREFIX)) return name;
  return undefined;
}

/** Finds a claim that must not be set for a user, at the login page, in the configuration or with the control API. */
export function refusedClaim(claims: object): RefusedClaim | undefined {
  const name = claimSetByTheServer(Object.keys(claims));
  return name === undefined ? refusedShape(claims) : { path: [name], reason: 'set by the server' };
}

/** Finds an inherited name at any depth, or a value that is nested too deeply. */
export function refusedShape(claims: object): RefusedClaim | undefined {
  const open: { readonly value: object; readonly path: readonly (string | number)[] }[] = [{ value: claims, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (path.length >= MAX_DEPTH) return { path: path.slice(0, 1), reason: 'too deep' };
    for (const [name, member] of Object.entries(value)) {
      const within = [...path, Array.isArray(value) ? Number(name) : name];
      if (INHERITED.has(name)) return { path: within, reason: 'inherited name' };
      if (typeof member === 'object' && member !== null) open.push({ value: member, path: within });
    }
  }
  return undefined;
}

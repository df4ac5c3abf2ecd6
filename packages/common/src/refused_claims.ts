/** Claims that the server itself sets, in anything that says something about a user or a client. */
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

/** Claims of CIBA Core section 10.3.1, and whatever else OpenID Connect comes to keep for the server. */
const KEPT_FOR_OPENID = 'urn:openid:params:jwt:claim:';

/** Names that every object has anyway: code that looks one up takes the value for what it inherits. */
const INHERITED = new Set(['__proto__', 'constructor', 'prototype']);

/** How many objects and lists may lie within each other. */
const DEEPEST = 20;

/** Why nobody may say something about a user. */
export type RefusedClaim = {
  readonly path: readonly (string | number)[];
  readonly reason: 'set by the server' | 'inherited name' | 'too deep';
};

/** @returns the first claim that the server itself sets */
export function claimSetByTheServer(names: Iterable<string>): string | undefined {
  for (const name of names) if (SET_BY_THE_SERVER.has(name) || name.startsWith(KEPT_FOR_OPENID)) return name;
  return undefined;
}

/** Finds what may not be said about a user: typed at the login page, in the configuration, by the control API. */
export function refusedClaim(claims: object): RefusedClaim | undefined {
  const name = claimSetByTheServer(Object.keys(claims));
  return name === undefined ? refusedShape(claims) : { path: [name], reason: 'set by the server' };
}

/** Finds a name, at any depth, that no object can have without harm, or more depth than everything behind can bear. */
export function refusedShape(claims: object): RefusedClaim | undefined {
  const open: { readonly value: object; readonly path: readonly (string | number)[] }[] = [{ value: claims, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (path.length >= DEEPEST) return { path: path.slice(0, 1), reason: 'too deep' };
    for (const [name, member] of Object.entries(value)) {
      const within = [...path, Array.isArray(value) ? Number(name) : name];
      if (INHERITED.has(name)) return { path: within, reason: 'inherited name' };
      if (typeof member === 'object' && member !== null) open.push({ value: member, path: within });
    }
  }
  return undefined;
}

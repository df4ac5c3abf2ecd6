import jsonpointer from 'jsonpointer';
import type { ApiConfig } from '../config/config.ts';

/** What the claims of an access token can be taken from. */
export interface ClaimSource {
  readonly user: object | undefined;
  readonly client: object | undefined;
}

/** Takes the claims that an API's configuration names from user and client. What is not there is left out. */
export function mapClaims(wanted: ApiConfig['claims'], source: ClaimSource): Record<string, unknown> {
  const pointers = Array.isArray(wanted)
    ? wanted.map((name) => [name, userClaim(name)] as const)
    : Object.entries(wanted);
  const data = withoutPrototypes(source);
  const found = pointers.map(([claim, pointer]) => [claim, valueAt(data, pointer)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined && value !== null));
}

function valueAt(data: object, pointer: string): unknown {
  if (/\/(__proto__|constructor)(\/|$)/.test(pointer)) return undefined; // Arrays still have theirs.
  const value: unknown = jsonpointer.get(data, pointer);
  return typeof value === 'function' ? undefined : value;
}

/** jsonpointer would also find what every object inherits. */
function withoutPrototypes(source: object): object {
  return JSON.parse(JSON.stringify(source), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.assign(Object.create(null) as object, value)
      : value,
  ) as object;
}

/** The JSON pointer to a user's claim (RFC 6901 section 3). */
function userClaim(name: string): string {
  return `/user/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

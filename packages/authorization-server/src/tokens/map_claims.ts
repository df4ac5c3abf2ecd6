import jsonpointer from 'jsonpointer';
import type { ApiConfig } from '../config/config.ts';

/** The data from which claims of an access token are taken. */
export interface ClaimSource {
  readonly user: object | undefined;
  readonly client: object | undefined;
}

/** Maps data of user and client to the claims that the API's configuration names. Missing values are left out. */
export function mapClaims(wanted: ApiConfig['claims'], source: ClaimSource): Record<string, unknown> {
  const pointers = Array.isArray(wanted)
    ? wanted.map((name) => [name, userClaim(name)] as const)
    : Object.entries(wanted);
  const data = withoutPrototypes(source);
  const found = pointers.map(([claim, pointer]) => [claim, valueAt(data, pointer)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined && value !== null));
}

function valueAt(data: object, pointer: string): unknown {
  if (/\/(__proto__|constructor)(\/|$)/.test(pointer)) return undefined; // Arrays still have a prototype.
  const value: unknown = jsonpointer.get(data, pointer);
  return typeof value === 'function' ? undefined : value;
}

/** Removes prototypes, because jsonpointer also finds inherited properties. */
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

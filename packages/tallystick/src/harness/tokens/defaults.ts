import type { Entries } from '../collections.ts';
import { InputError } from '../input_error.ts';
import { UnknownNameError } from '../unknown_name.ts';

type Client = Entries['clients'][number];
type Api = Entries['apis'][number];
type Grant = Client['grants'][number];

/** The client of tests at a permissive issuer, which accepts every id. */
const PERMISSIVE_CLIENT = 'test-client';

/** The entries of an issuer, and whether it accepts others. */
export interface KnownEntries {
  readonly apis: readonly Entries['apis'][number][];
  readonly clients: readonly Entries['clients'][number][];
  readonly users: readonly Entries['users'][number][];
  readonly permissive: boolean;
}

/**
 * The client of a request that names none.
 *
 * @throws {InputError} there is no client
 */
export function defaultClient({ clients, permissive }: KnownEntries, grant: Grant): string {
  const ownClients = clients.filter(({ introspects }) => introspects === false);
  const found = ownClients.find(({ grants }) => grants.includes(grant)) ?? ownClients[0];
  if (found !== undefined) return found.id;
  if (permissive) return PERMISSIVE_CLIENT;
  throw new InputError('client', 'expected a client: none is configured');
}

/**
 * The API of a request.
 *
 * @returns undefined for a token without an API, for userinfo
 * @throws {UnknownNameError} there is no such API
 * @throws {InputError} several APIs have these scopes, or none
 */
export function apiOf(
  { api, scopes }: { readonly api?: string | undefined; readonly scopes?: readonly string[] | undefined },
  { apis, permissive }: KnownEntries,
): Pick<Api, 'resource' | 'scopes'> | undefined {
  if (api !== undefined) return namedApi(api, { apis, permissive });
  if (scopes?.includes('openid') && !apis.some((known) => scopes.some((scope) => known.scopes.includes(scope))))
    return undefined;
  const [only, ...others] = apis;
  if (others.length === 0) return only;
  if (scopes === undefined) return undefined;
  const known = apis.map(({ resource }) => JSON.stringify(resource)).join(', ');
  throw new InputError('api', `expected the API that the scopes belong to; known: ${known}`);
}

function namedApi(api: string, { apis, permissive }: Pick<KnownEntries, 'apis' | 'permissive'>) {
  const found = apis.find(({ resource }) => resource === api);
  if (found !== undefined) return found;
  if (permissive) return { resource: api, scopes: [] };
  throw new UnknownNameError(
    'api',
    'API',
    api,
    apis.map(({ resource }) => resource),
  );
}

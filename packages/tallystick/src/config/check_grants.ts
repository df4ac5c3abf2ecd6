import { type Refuse, refuseDuplicates } from './refuse.ts';
import type { Config } from './schema.ts';

/** What the configuration says of grants must fit together. */
export function checkGrants(config: Config, refuse: Refuse): void {
  checkTokenExchange(config, refuse);
  checkTrustedIssuers(config, refuse);
  checkSwitchedOn(config, refuse);
}

function checkTokenExchange(
  { apis, clients, users }: Pick<Config, 'apis' | 'clients' | 'users'>,
  refuse: Refuse,
): void {
  for (const [index, { tokenExchange: rules }] of clients.entries()) {
    for (const list of ['from', 'to'] as const) {
      for (const [position, named] of (rules?.[list] ?? []).entries()) {
        if (!apis.some((known) => known.resource === named)) {
          refuse(
            ['clients', index, 'tokenExchange', list, position],
            'expected the resource of one of the apis',
            named,
          );
        }
      }
    }
  }
  if (!clients.some((known) => known.tokenExchange)) return;
  // The subject of an exchanged token is a user or a client; RFC 9068 section 5 warns of names that could be either.
  for (const [index, { id }] of users.entries()) {
    if (clients.some((known) => known.id === id))
      refuse(['users', index, 'id'], 'expected an id that no client has', id);
  }
}

function checkTrustedIssuers({ trustedIssuers, users, issuer }: Config, refuse: Refuse): void {
  refuseDuplicates(trustedIssuers, 'issuer', ['trustedIssuers'], refuse);
  for (const [index, trusted] of trustedIssuers.entries()) {
    const path = ['trustedIssuers', index];
    if (trusted.issuer === issuer) refuse([...path, 'issuer'], 'expected an issuer other than this one', issuer);
    for (const [subject, user] of Object.entries(trusted.subjects ?? {})) {
      if (!users.some((known) => known.id === user))
        refuse([...path, 'subjects', subject], 'expected the id of one of the users', user);
    }
  }
}

/** A client of a grant that is switched off would be refused as a whole, and only when it is first used. */
function checkSwitchedOn({ clients, trustedIssuers, authorizationServer }: Config, refuse: Refuse): void {
  for (const [index, { grants }] of clients.entries()) {
    const path = ['clients', index, 'grants'];
    if (grants.includes('jwt_bearer') && trustedIssuers.length === 0)
      refuse(path, 'expected at least one of the trustedIssuers for the jwt_bearer grant', grants);
    if (grants.includes('password') && !authorizationServer.insecurePasswordGrant)
      refuse(path, 'expected authorizationServer.insecurePasswordGrant to be true for the password grant', grants);
  }
}

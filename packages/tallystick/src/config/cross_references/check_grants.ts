import { type Refuse, refuseDuplicates } from '@tallystick/common/config';
import type { Config } from '../schema.ts';

/** Checks the settings that grants depend on. */
export function checkGrants(config: Config, refuse: Refuse): void {
  checkTrustedIssuers(config, refuse);
  checkSwitchedOn(config, refuse);
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

/** A client with a disabled grant would be refused as a whole, and only when it is first used. */
function checkSwitchedOn({ clients, trustedIssuers, authorizationServer }: Config, refuse: Refuse): void {
  for (const [index, { grants }] of clients.entries()) {
    const path = ['clients', index, 'grants'];
    if (grants.includes('jwt_bearer') && trustedIssuers.length === 0)
      refuse(path, 'expected at least one entry in trustedIssuers for the jwt_bearer grant', grants);
    if (grants.includes('password') && !authorizationServer.insecurePasswordGrant)
      refuse(path, 'expected authorizationServer.insecurePasswordGrant to be true for the password grant', grants);
  }
}

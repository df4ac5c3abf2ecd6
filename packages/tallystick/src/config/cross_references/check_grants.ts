import { HTTP_ON_THIS_MACHINE, isInsecureRedirectUri, userScopes } from '@tallystick/authorization-server/config';
import { type Refuse, refuseDuplicates } from '@tallystick/common/config';
import type { Config } from '../schema.ts';

/** Checks the settings that grants depend on. */
export function checkGrants(config: Config, refuse: Refuse): void {
  checkTrustedIssuers(config, refuse);
  checkDefaults(config, refuse);
  checkIssuer(config, config, [], refuse);
  for (const [index, tenant] of config.tenants.entries()) checkIssuer(tenant, config, ['tenants', index], refuse);
}

function checkDefaults({ apis, scopes, authorizationServer }: Config, refuse: Refuse): void {
  const { defaultApi, defaultScopes = [] } = authorizationServer;
  if (defaultApi !== undefined && !apis.some(({ resource }) => resource === defaultApi))
    refuse(['authorizationServer', 'defaultApi'], 'expected the resource of one of the apis', defaultApi);
  const known = new Set([...userScopes({ scopes }), ...apis.flatMap((api) => api.scopes)]);
  for (const [index, scope] of defaultScopes.entries()) {
    if (!known.has(scope))
      refuse(
        ['authorizationServer', 'defaultScopes', index],
        'expected a scope of OpenID Connect, of scopes or of an API',
        scope,
      );
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

type Entries = Pick<Config, 'clients' | 'users'>;

/** Checks the clients and users of one issuer against the settings that all issuers share. */
function checkIssuer({ clients, users }: Entries, config: Config, path: readonly (string | number)[], refuse: Refuse) {
  for (const [index, { grants, ...client }] of clients.entries()) {
    for (const list of ['redirectUris', 'postLogoutRedirectUris'] as const) {
      for (const [position, uri] of client[list].entries()) {
        if (isInsecureRedirectUri(uri, config))
          refuse([...path, 'clients', index, list, position], HTTP_ON_THIS_MACHINE, uri);
      }
    }
    for (const grant of grants) {
      const expected = findMissingSetting(grant, config);
      if (expected !== undefined)
        refuse([...path, 'clients', index, 'grants'], `expected ${expected} for the ${grant} grant`, grants);
    }
  }
  if (!config.features.clientIdMetadataDocuments) return;
  for (const [index, { id }] of users.entries()) {
    const expected =
      'expected an id that no client has: with features.clientIdMetadataDocuments, an https URL is a client id';
    if (id.startsWith('https:')) refuse([...path, 'users', index, 'id'], expected, id);
  }
}

/** oidc-provider would report a disabled grant without naming the setting. */
function findMissingSetting(
  grant: Config['clients'][number]['grants'][number],
  { trustedIssuers, authorizationServer, features }: Config,
): string | undefined {
  if (grant === 'jwt_bearer' && trustedIssuers.length === 0) return 'at least one entry in trustedIssuers';
  if (grant === 'password' && !authorizationServer.insecurePasswordGrant)
    return 'authorizationServer.insecurePasswordGrant to be true';
  if (grant === 'implicit' && !features.implicit) return 'features.implicit to be true';
  if (grant === 'ciba' && !features.ciba) return 'features.ciba to be true';
  if (grant === 'device_code' && !features.deviceFlow) return 'features.deviceFlow to be true';
  return undefined;
}

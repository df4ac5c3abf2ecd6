export { HTTP_ON_THIS_MACHINE, isInsecureRedirectUri } from '../clients/redirect_uris.ts';
export { authorizationServer } from './authorization_server.ts';
export { checkEntries } from './check_entries.ts';
export { authorizationServerConfig } from './config.ts';
export { OWN_SEGMENTS } from './own_segments.ts';
export { userScopes } from './user_scopes.ts';

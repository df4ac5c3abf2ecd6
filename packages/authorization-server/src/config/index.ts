export { authorizationServer } from './authorization_server.ts';
export { checkEntries } from './check_entries.ts';
export { authorizationServerConfig } from './config.ts';
export { userScopes } from './user_scopes.ts';

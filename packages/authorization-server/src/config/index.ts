export { api } from './api.ts';
export { authorizationServer } from './authorization_server.ts';
export { checkEntries } from './check_entries.ts';
export { client } from './client.ts';
export { features } from './features.ts';
export { lifetimes } from './lifetimes.ts';
export { trustedIssuer } from './trusted_issuer.ts';
export { user } from './user.ts';

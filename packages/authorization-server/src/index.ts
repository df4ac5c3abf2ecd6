export type { AccessTokenStyle, ApiConfig, AuthorizationServerConfig, ClientConfig, UserConfig } from './config.ts';
export { type AuthorizationServer, createAuthorizationServer } from './create_authorization_server.ts';
export { DEFECTS } from './defect.ts';
export { type IssuedToken, type TokenRequest, TokenRequestError } from './issue_token.ts';
export type { Log } from './log.ts';

export type { BackchannelRequests, PendingRequest } from './backchannel_requests.ts';
export { WrongClientError } from './check_clients.ts';
export { WrongUserError } from './client_names.ts';
export type {
  AccessTokenStyle,
  ApiConfig,
  AuthorizationServerConfig,
  ClientConfig,
  FeatureConfig,
  UserConfig,
} from './config.ts';
export {
  type AuthorizationServer,
  type AuthorizationServerDependencies,
  type ChangeableConfiguration,
  createAuthorizationServer,
} from './create_authorization_server.ts';
export { DEFECTS } from './defect.ts';
export { GRANT_TYPES, type GrantName } from './grants/grant_types.ts';
export { type IssuedToken, type TokenRequest, TokenRequestError } from './issue_token.ts';
export { WrongKeyError } from './keys/make_key.ts';
export type { RotateOptions, SigningKey, SigningKeys } from './keys/signing_keys.ts';
export type { Log } from './log.ts';
export { mountPathOf } from './mount.ts';

export type { BackchannelRequests, PendingRequest } from './backchannel_requests.ts';
export { WrongClientError } from './check_clients.ts';
export type {
  AccessTokenStyle,
  ApiConfig,
  AuthorizationServerConfig,
  ClientConfig,
  FeatureConfig,
  GrantType,
  UserConfig,
} from './config.ts';
export { type AuthorizationServer, createAuthorizationServer } from './create_authorization_server.ts';
export type { Log } from './log.ts';

export type { Log } from '@tallystick/common';
export { WrongUserError } from './clients/client_names.ts';
export { WrongClientError } from './clients/clients.ts';
export type {
  AccessTokenStyle,
  ApiConfig,
  AuthorizationServerConfig,
  ClientConfig,
  FeatureConfig,
  UserConfig,
} from './config/config.ts';
export {
  type AuthorizationServer,
  type AuthorizationServerDependencies,
  type ChangeableConfiguration,
  createAuthorizationServer,
} from './create_authorization_server.ts';
export { GRANT_TYPES, type GrantName } from './grants/grant_types.ts';
export {
  type ChangeJwt,
  type DecideSignIn,
  describeHookFailure,
  HookFailed,
  type OtherSignIn,
  type SignInAttempt,
  type SignInDecision,
  type SignInRefusal,
  type TestHooks,
  type UnsignedJwt,
} from './hooks/hooks.ts';
export { WrongKeyError } from './keys/make_key.ts';
export type { RotateOptions, SigningKey, SigningKeys } from './keys/signing_keys.ts';
export type { BackchannelRequests, PendingRequest } from './other_devices/backchannel_requests.ts';
export { acceptPathsOfMocks, isEndpointPath, MOCK_SEGMENTS } from './permissive/paths.ts';
export { restoreIssuerPath } from './provider/issuer_path.ts';
export { mountPathOf, WELL_KNOWN } from './provider/mount.ts';
export { DEFECTS } from './tokens/broken_jwt.ts';
export { type IssuedToken, type TokenRequest, TokenRequestError } from './tokens/issue_token.ts';
export type { IssuedTokens } from './tokens/issued_tokens.ts';

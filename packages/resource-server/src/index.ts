export type { AccessTokenClaims, AccessTokenValidator, JwtAccessTokenClaims } from './access_token_claims.ts';
export {
  type AcceptedAccessToken,
  type AuthenticateOptions,
  type AuthenticateRequest,
  authenticate,
} from './authenticate.ts';
export { type ChallengeOptions, challenge } from './challenge.ts';
export { type ConnectMiddleware, protectWithConnect } from './connect.ts';
export { type ErrorBody, errorBody } from './error_body.ts';
export {
  AccessTokenError,
  type AccessTokenErrorCode,
  ResourceServerError,
  ValidationUnavailableError,
  ValidatorRefusedError,
} from './errors.ts';
export {
  createIntrospectionValidator,
  type IntrospectionValidatorDependencies,
  type IntrospectionValidatorOptions,
} from './introspection_validator.ts';
export {
  createJwtValidator,
  type JwtValidator,
  type JwtValidatorDependencies,
  type JwtValidatorOptions,
  type VerifiedJwt,
} from './jwt_validator.ts';
export { type AccessTokenState, protectWithKoa } from './koa.ts';
export {
  metadataPath,
  type ProtectedResourceMetadata,
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
} from './protected_resource_metadata.ts';
export { type BearerRequest, readBearerToken } from './read_bearer_token.ts';
export { type Refusal, refusal } from './refusal.ts';
export {
  createRemoteJwks,
  type RemoteJwks,
  type RemoteJwksDependencies,
  type RemoteJwksOptions,
} from './remote_jwks.ts';
export { type RequiredScopes, requireScopes, scopeNames } from './require_scopes.ts';

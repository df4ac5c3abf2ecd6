export { certificateOfHeader, signatureOf } from '@tallystick/common';
export type { AccessTokenClaims, AccessTokenValidator, JwtAccessTokenClaims } from './access_token_claims.ts';
export { foreignClientIdClaims, readScope } from './access_token_claims.ts';
export {
  type AcceptedAccessToken,
  type AuthenticateOptions,
  type AuthenticateRequest,
  authenticate,
  challengeSchemes,
} from './authenticate.ts';
export { type ChallengeOptions, challenge } from './challenge.ts';
export { certificateOfConnection } from './client_certificate.ts';
export { type ConnectMiddleware, protectWithConnect } from './connect.ts';
export { type DPoPOptions, defaultDPoPAlgorithms } from './dpop/check_proof.ts';
export { createDPoPNonces, type DPoPNonces, type DPoPNoncesOptions } from './dpop/nonces.ts';
export { createReplayMemory, type UseOnce } from './dpop/replay_memory.ts';
export {
  AccessTokenError,
  type AccessTokenErrorCode,
  InvalidValidatorResponseError,
  ResourceServerError,
  ValidationUnavailableError,
  ValidatorRefusedError,
} from './errors.ts';
export { type FastifyHook, type FastifyReply, protectWithFastify } from './fastify.ts';
export { type AccessTokenVariables, type HonoContext, type HonoMiddleware, protectWithHono } from './hono.ts';
export {
  createIntrospectionValidator,
  type IntrospectionValidatorDependencies,
  type IntrospectionValidatorOptions,
} from './introspection_validator.ts';
export {
  createJwtValidator,
  defaultJwtAlgorithms,
  type InsecureJwtType,
  type JwtValidator,
  type JwtValidatorDependencies,
  type JwtValidatorOptions,
  type VerifiedJwt,
} from './jwt_validator.ts';
export { type AccessTokenState, type KoaContext, type KoaMiddleware, protectWithKoa } from './koa.ts';
export type { ProtectOptions } from './protect.ts';
export {
  metadataPath,
  type ProtectedResourceMetadata,
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
} from './protected_resource_metadata.ts';
export {
  type AccessTokenScheme,
  type CredentialsRequest,
  type PresentedAccessToken,
  presentedScheme,
  readAccessToken,
  refuseTokenInQuery,
} from './read_access_token.ts';
export { type ErrorBody, errorBody, type Refusal, refusal } from './refusal.ts';
export {
  createRemoteJwks,
  type RemoteJwks,
  type RemoteJwksDependencies,
  type RemoteJwksOptions,
} from './remote_jwks.ts';
export { type RequiredScopes, requireScopes, scopeNames } from './require_scopes.ts';
export {
  checkedAtTheGateway,
  createSenderConstraint,
  type SenderConstraint,
  type SenderConstraintDependencies,
  type SenderConstraintOptions,
} from './sender_constraint.ts';
export { declaresAccessToken } from './token_kind.ts';

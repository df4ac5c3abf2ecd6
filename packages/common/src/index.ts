export { certificateOfHeader } from './certificate_header.ts';
export { checkRequest, findFault, type RequestFault } from './check_request.ts';
export { containsText, hasTooManyParameters, isNestedTooDeeply, MAX_PARAMETERS } from './client_input.ts';
export { fetchJson, type JsonAnswer, type JsonExchange } from './fetch_json.ts';
export { lastMember, listMembers, mediaTypeOf, TOKEN, trimWhitespace } from './header_grammar.ts';
export { isLoopbackName, readHost } from './host.ts';
export {
  createJwksClient,
  type JwksClient,
  type JwksClientDependencies,
  type JwksClientOptions,
} from './jwks/jwks_client.ts';
export { JwksError } from './jwks/key_set.ts';
export { signatureOf, signingInputOf } from './jwt_parts.ts';
export { errorFields, type Log } from './log.ts';
export { createNetworks, isNetwork, type Networks } from './networks.ts';
export { type AllowsHost, createAllowedHosts, createOwnNames, type IsOwnName, readPattern } from './own_names.ts';
export { peekBody, peekedBody } from './peek_body.ts';
export { isPem, readPem } from './pem.ts';
export { readBody } from './read_body.ts';
export { type FindReadiness, HEALTH_PATHS, livenessAnswer, type Readiness, readinessAnswer } from './readiness.ts';
export { claimSetByTheServer, type RefusedClaim, refusedClaim, refusedShape } from './refused_claims.ts';
export { findTargetFault } from './request_target.ts';
export { sameText } from './same_text.ts';
export { closest, didYouMean } from './suggest.ts';
export { readTokenProblem, TOKEN_PROBLEM_HEADER, TOKEN_PROBLEMS, type TokenProblem } from './token_problems.ts';
export { afterEarlierResponses, answerUnreadable, type PlainAnswer } from './unreadable_requests.ts';

export type {
  ChangeJwt,
  DecideSignIn,
  OtherSignIn,
  SignInAttempt,
  SignInDecision,
  SignInRefusal,
  UnsignedJwt,
} from '@tallystick/authorization-server';
export { ConfigError } from './config/config_error.ts';
export { jsonSchema } from './config/config_schema.ts';
export { checkConfig, loadConfig } from './config/load_config.ts';
export type { Config, ConfigInput, TenantInput } from './config/schema.ts';
export { type Clock, ClockFixedError } from './harness/clock/create_clock.ts';
export type { ActiveFault, FaultInput, Faults } from './harness/faults/faults.ts';
export type { ScriptedAnswerInput, ScriptedAnswers } from './harness/faults/scripted_answers.ts';
export type { CallOptions } from './harness/gateway/create_gateway_verbs.ts';
export type { Harness } from './harness/harness.ts';
export type { AnswerBody, ChangeAnswer, Hooks } from './harness/hooks/create_hooks.ts';
export { HookError } from './harness/hooks/hook_error.ts';
export { InputError } from './harness/input_error.ts';
export type { Issuer } from './harness/issuer.ts';
export type { RecordedRequests } from './harness/requests/create_recorded_requests.ts';
export type { Endpoint } from './harness/requests/identify_request.ts';
export type { RecordedRequest } from './harness/requests/recorded_request.ts';
export type { SignedIn } from './harness/sign_in/create_sign_in_verbs.ts';
export { SignInError } from './harness/sign_in/sign_in_error.ts';
export type { Tenants } from './harness/tenants.ts';
export { NotRevocableError } from './harness/tokens/create_token_verbs.ts';
export { Token } from './harness/tokens/token.ts';
export type { SignInRequest, TokenRequest } from './harness/tokens/token_request.ts';
export { UnknownNameError } from './harness/unknown_name.ts';
export { type StartOptions, startTallystick, type Tallystick } from './run/start_tallystick.ts';
export type { UpstreamApp } from './run/upstreams/app_listener.ts';
export type { LibraryConfig, LibraryTenant, Upstream } from './run/upstreams/open_upstreams.ts';

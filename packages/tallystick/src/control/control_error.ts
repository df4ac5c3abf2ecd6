import { StoreUnavailableError } from '@tallystick/token-store';
import { ClockFixedError } from '../harness/clock/create_clock.ts';
import { HookError } from '../harness/hooks/hook_error.ts';
import { InputError } from '../harness/input_error.ts';
import { SignInError } from '../harness/sign_in/sign_in_error.ts';
import { TenantExistsError } from '../harness/tenants.ts';
import { NotRevocableError } from '../harness/tokens/create_token_verbs.ts';

/** An error response of the control API. */
export class ControlError extends Error {
  override name = 'ControlError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Status and body for an error. */
export function describeProblem(error: unknown): ReturnType<typeof problem> {
  if (error instanceof InputError) return problem(400, error.code, error.problem, error.path);
  if (error instanceof ControlError) return problem(error.status, error.code, error.message);
  if (isConflict(error)) return problem(409, error.code, error.message);
  if (error instanceof SignInError || error instanceof HookError) return problem(422, error.code, error.message);
  if (error instanceof StoreUnavailableError)
    return problem(503, 'temporarily_unavailable', 'the token store is not available; try again shortly');
  if (isUnavailable(error)) return problem(503, 'temporarily_unavailable', error.error_description);
  return problem(500, 'server_error', 'the control API failed; see its log');
}

function isConflict(error: unknown): error is Error & { readonly code: string } {
  return [ClockFixedError, TenantExistsError, NotRevocableError].some((kind) => error instanceof kind);
}

/** A 503 of the authorization server. Its description names what is unavailable: the store, or the keys of an issuer. */
function isUnavailable(error: unknown): error is Error & { readonly error_description: string } {
  return error instanceof Error && 'statusCode' in error && error.statusCode === 503 && 'error_description' in error;
}

function problem(status: number, error: string, description: string, path?: string) {
  return { status, body: { error, error_description: description, ...(path !== undefined && { path }) } };
}

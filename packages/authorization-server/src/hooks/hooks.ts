import { errors } from 'oidc-provider';

/** A JWT before it is signed. */
export interface UnsignedJwt {
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
}

/** Changes the header and the claims of a JWT before it is signed. A returned promise is awaited. */
export type ChangeJwt = (jwt: UnsignedJwt) => unknown;

/** A user who signs in. */
export interface SignInAttempt {
  readonly user: string;
  /** Claims that the sign-in adds to those of the user. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Identifier of the client. */
  readonly client: string;
  /** The requested scopes. */
  readonly scopes: readonly string[];
  /** Resource indicators of the requested APIs. */
  readonly apis: readonly string[];
}

/** The sign-in of another user, or with other claims. What is absent stays as it is. */
export interface OtherSignIn {
  readonly user?: string | undefined;
  /** Instead of the claims of the attempt. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: undefined;
}

/** The error that the client gets (RFC 6749 section 4.1.2.1), such as `access_denied`. */
export interface SignInRefusal {
  readonly error: string;
  readonly errorDescription?: string | undefined;
}

export type SignInDecision = OtherSignIn | SignInRefusal;
/** @returns nothing to allow the sign-in */
export type DecideSignIn = (attempt: SignInAttempt) => SignInDecision | undefined | Promise<SignInDecision | undefined>;

/** Functions of a test. They are read at each use, so they can change. */
export interface TestHooks {
  readonly accessToken?: ChangeJwt | undefined;
  readonly idToken?: ChangeJwt | undefined;
  readonly signIn?: DecideSignIn | undefined;
}

/** Characters that `error_description` cannot have (RFC 6749 section 5.2). */
const NOT_IN_DESCRIPTION = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g;

/** A function of a test failed, so nothing was issued. The client did not cause it, but the answer is not one of a broken server either. */
export class HookFailed extends errors.OIDCProviderError {
  constructor(hook: keyof TestHooks, cause: unknown) {
    super(400, 'server_error');
    this.cause = cause;
    this.error_description = describeHookFailure(hook, cause);
  }
}

/** @returns an `error_description` with the message of the error */
export function describeHookFailure(hook: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return `the hook ${hook} of the test failed: ${message.slice(0, 300)}`.replace(NOT_IN_DESCRIPTION, "'");
}

/** Calls a function of a test, and checks its result. @throws {HookFailed} */
export async function callHook<Result>(
  hook: keyof TestHooks,
  call: () => Result | PromiseLike<Result>,
): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw new HookFailed(hook, error);
  }
}

/** Lets a function of a test change a JWT. @returns what to sign @throws {HookFailed} */
export async function changeJwt(
  hook: keyof TestHooks,
  change: ChangeJwt,
  { header, payload }: { readonly header?: object | undefined; readonly payload?: object | undefined },
): Promise<UnsignedJwt> {
  return callHook(hook, async () => {
    const changed = { header: { ...header } as UnsignedJwt['header'], payload: { ...payload } };
    const { alg } = changed.header;
    await change(changed);
    if (changed.header.alg !== alg) throw new TypeError('the algorithm cannot change, because the key is made for it');
    return JSON.parse(JSON.stringify(changed)) as UnsignedJwt; // A value that is not JSON cannot be signed.
  });
}

import { type RefusedClaim, refusedClaim } from '@tallystick/common';
import type { Claims } from '../sign_in/accounts.ts';
import type { AddUser } from '../sign_in/login_form.ts';
import { callHook, HookFailed, type SignInDecision, type TestHooks } from './hooks.ts';

/** A user who signs in, or the error that the client gets. */
export type DecidedSignIn =
  | { readonly user: string; readonly claims: Claims }
  | { readonly error: string; readonly error_description?: string };

/** RFC 6749 section 4.1.2.1 */
const ERROR_TEXT = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;

/** Creates the decision on sign-ins: a function of a test allows, refuses or changes them. Without one, all are allowed. */
export function createDecideSignIn(hooks: TestHooks, addUser: AddUser) {
  return async (
    params: Readonly<Record<string, unknown>>,
    attempt: { readonly user: string; readonly claims: Claims },
  ): Promise<DecidedSignIn> => {
    const decide = hooks.signIn;
    if (decide === undefined) return attempt;
    try {
      const decided = await callHook('signIn', async () =>
        check(await decide({ ...attempt, ...requestOf(params) }), attempt),
      );
      if ('user' in decided && decided.user !== attempt.user && !(await addUser(decided.user)))
        throw new HookFailed(
          'signIn',
          'expected a user name of 1 to 255 ASCII characters that is not that of a client',
        );
      return decided;
    } catch (error) {
      // The client gets it as the answer to its request.
      if (error instanceof HookFailed) return { error: error.error, error_description: error.error_description ?? '' };
      throw error;
    }
  };
}

function requestOf({ client_id: client, scope = '', resource = [] }: Readonly<Record<string, unknown>>) {
  return {
    client: String(client),
    scopes: String(scope).split(' ').filter(Boolean),
    apis: [resource].flat().map(String),
  };
}

/** @throws {TypeError} the decision is not one */
function check(decision: SignInDecision | undefined, attempt: { readonly user: string; readonly claims: Claims }) {
  if (decision === undefined) return attempt;
  if (typeof decision !== 'object' || decision === null)
    throw new TypeError(`expected nothing, { error } or { user, claims }; found ${decision}`);
  if (decision.error !== undefined) return checkRefusal(decision);
  const { user = attempt.user, claims = attempt.claims } = decision;
  if (typeof user !== 'string') throw new TypeError('expected the user to be a text');
  return { user, claims: claims === attempt.claims ? claims : checkClaims(claims) };
}

function checkRefusal({ error, errorDescription }: { readonly error: string; readonly errorDescription?: unknown }) {
  if (!isErrorText(error)) throw new TypeError('expected an error of ASCII characters without quotes');
  if (errorDescription === undefined) return { error };
  if (!isErrorText(errorDescription))
    throw new TypeError('expected an error description of ASCII characters without quotes');
  return { error, error_description: errorDescription };
}

function isErrorText(text: unknown): text is string {
  return typeof text === 'string' && ERROR_TEXT.test(text);
}

function checkClaims(given: object): Claims {
  const claims: unknown = JSON.parse(JSON.stringify(given));
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw new TypeError('expected the claims to be an object');
  const refused: RefusedClaim | undefined = refusedClaim(claims);
  if (refused) throw new TypeError(`expected other claims: ${refused.path.join('.')} is ${refused.reason}`);
  return claims as Claims;
}

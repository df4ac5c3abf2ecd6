import type { ServerResponse } from 'node:http';
import {
  type ChangeJwt,
  type DecideSignIn,
  describeHookFailure,
  type SignInAttempt,
  type SignInDecision,
  type TestHooks,
} from '@tallystick/authorization-server';
import { mediaTypeOf } from '@tallystick/common';
import { changeBody } from '../faults/alter_response.ts';
import { checkInput } from '../input_error.ts';
import { type Endpoint, endpointSchema } from '../requests/identify_request.ts';

/** A JSON answer of the authorization server. */
export type AnswerBody = Record<string, unknown>;
/** @returns the answer to send instead */
export type ChangeAnswer = (body: AnswerBody, answer: { readonly status: number }) => AnswerBody;

/**
 * Functions of a test that change what the authorization server issues and answers. If one throws, nothing is issued, and the client
 * gets `server_error` with its message.
 */
export interface Hooks {
  /**
   * Changes the header and the claims of every JWT access token before it is signed.
   *
   * @returns a function that removes the hook
   */
  accessToken(change: ChangeJwt): () => void;
  /**
   * Changes the header and the claims of every ID token before it is signed.
   *
   * @returns a function that removes the hook
   */
  idToken(change: ChangeJwt): () => void;
  /**
   * Decides on every sign-in: at the login page, with `automaticLogin`, without a page at a permissive issuer, and of `signIn`. The
   * function returns nothing to allow it, an OAuth error for the client, or another user or other claims. A user with a session
   * does not sign in again.
   *
   * @returns a function that removes the hook
   */
  signIn(decide: DecideSignIn): () => void;
  /**
   * Changes the JSON answers of an endpoint, such as `userinfo` or `introspection`. Other answers stay as they are.
   *
   * @returns a function that removes the hook
   * @throws {InputError} there is no such endpoint
   */
  answer(endpoint: Endpoint, change: ChangeAnswer): () => void;
  /** Removes all hooks. */
  clear(): void;
}

/** The hooks, with the methods that the servers need. */
export interface ManagedHooks extends Hooks {
  /** For the authorization server. It reads them at each use. */
  readonly forServer: TestHooks;
  /** Lets the hooks change an answer. */
  changeAnswer(endpoint: Endpoint, response: ServerResponse): void;
}

export function createHooks(): ManagedHooks {
  const ofAccessTokens = new Set<ChangeJwt>();
  const ofIdTokens = new Set<ChangeJwt>();
  const ofSignIns = new Set<DecideSignIn>();
  const ofAnswers = new Set<{ readonly endpoint: Endpoint; readonly change: ChangeAnswer }>();

  function add<Hook>(hooks: Set<Hook>, hook: Hook): () => void {
    hooks.add(hook);
    return () => void hooks.delete(hook);
  }

  return {
    accessToken: (change) => add(ofAccessTokens, (jwt) => change(jwt)),
    idToken: (change) => add(ofIdTokens, (jwt) => change(jwt)),
    signIn: (decide) => add(ofSignIns, (attempt) => decide(attempt)),
    answer: (endpoint, change) => add(ofAnswers, { endpoint: checkInput(endpointSchema, endpoint), change }),
    clear() {
      ofAccessTokens.clear();
      ofIdTokens.clear();
      ofSignIns.clear();
      ofAnswers.clear();
    },
    forServer: {
      get accessToken() {
        return allOf(ofAccessTokens);
      },
      get idToken() {
        return allOf(ofIdTokens);
      },
      get signIn() {
        return ofSignIns.size === 0 ? undefined : (attempt: SignInAttempt) => decideWith(ofSignIns, attempt);
      },
    },
    changeAnswer(endpoint, response) {
      const changes = [...ofAnswers].filter((hook) => hook.endpoint === endpoint).map(({ change }) => change);
      if (changes.length === 0) return;
      changeBody(response, (body) => {
        if (mediaTypeOf(String(response.getHeader('content-type'))) !== 'application/json') return body;
        const { statusCode: status } = response;
        try {
          const changed = changes.reduce((answer, change) => change(answer, { status }), parse(body));
          if (typeof changed !== 'object' || changed === null || changed instanceof Promise)
            throw new TypeError('expected an object');
          return Buffer.from(JSON.stringify(changed));
        } catch (error) {
          response.statusCode = 400;
          const description = describeHookFailure('answer', error);
          return Buffer.from(JSON.stringify({ error: 'server_error', error_description: description }));
        }
      });
    },
  };
}

function parse(body: Buffer): AnswerBody {
  return JSON.parse(body.toString()) as AnswerBody;
}

function allOf(hooks: ReadonlySet<ChangeJwt>): ChangeJwt | undefined {
  if (hooks.size === 0) return undefined;
  return async (jwt) => {
    for (const change of hooks) await change(jwt);
  };
}

/** Each hook sees the user and the claims that the one before chose. A refusal is final. */
async function decideWith(hooks: ReadonlySet<DecideSignIn>, attempt: SignInAttempt): Promise<SignInDecision> {
  let { user, claims } = attempt;
  for (const decide of hooks) {
    const decision = await decide({ ...attempt, user, claims });
    if (decision === undefined) continue;
    if (typeof decision !== 'object' || decision === null || decision.error !== undefined) return decision;
    ({ user = user, claims = claims } = decision);
  }
  return { user, claims };
}

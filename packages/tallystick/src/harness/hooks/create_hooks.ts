import type { ServerResponse } from 'node:http';
import type { ChangeJwt } from '@tallystick/authorization-server';
import { mediaTypeOf } from '@tallystick/common';
import { changeBody } from '../faults/alter_response.ts';
import { checkInput } from '../input_error.ts';
import { type Endpoint, endpointSchema } from '../requests/identify_request.ts';

/** A JSON answer of the authorization server. */
export type AnswerBody = Record<string, unknown>;
/** @returns the answer to send instead */
export type ChangeAnswer = (body: AnswerBody, answer: { readonly status: number }) => AnswerBody;

/** Functions of a test that change what the authorization server issues and answers. */
export interface Hooks {
  /**
   * Changes the header and the claims of every JWT access token before it is signed.
   *
   * @returns a function that removes the hook
   */
  accessToken(change: ChangeJwt): () => void;
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
  readonly changeJwt: ChangeJwt;
  /** Lets the hooks change an answer. */
  changeAnswer(endpoint: Endpoint, response: ServerResponse): void;
}

export function createHooks(): ManagedHooks {
  const ofTokens = new Set<ChangeJwt>();
  const ofAnswers = new Set<{ readonly endpoint: Endpoint; readonly change: ChangeAnswer }>();

  function add<Hook>(hooks: Set<Hook>, hook: Hook): () => void {
    hooks.add(hook);
    return () => void hooks.delete(hook);
  }

  return {
    accessToken: (change) => add(ofTokens, (jwt) => change(jwt)),
    answer: (endpoint, change) => add(ofAnswers, { endpoint: checkInput(endpointSchema, endpoint), change }),
    clear() {
      ofTokens.clear();
      ofAnswers.clear();
    },
    changeJwt(jwt) {
      for (const change of ofTokens) change(jwt);
    },
    changeAnswer(endpoint, response) {
      const changes = [...ofAnswers].filter((hook) => hook.endpoint === endpoint).map(({ change }) => change);
      if (changes.length === 0) return;
      changeBody(response, (body) => {
        if (mediaTypeOf(String(response.getHeader('content-type'))) !== 'application/json') return body;
        const { statusCode: status } = response;
        return Buffer.from(JSON.stringify(changes.reduce((answer, change) => change(answer, { status }), parse(body))));
      });
    },
  };
}

function parse(body: Buffer): AnswerBody {
  return JSON.parse(body.toString()) as AnswerBody;
}

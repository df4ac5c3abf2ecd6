import { z } from 'zod';
import { checkInput } from '../input_error.ts';
import type { Endpoint } from './endpoint.ts';
import { type ScriptedAnswer, type ScriptedAnswerInput, scriptedAnswerSchema } from './schemas.ts';

/** The exact next answers of the authorization server's endpoints, each given once. */
export interface ScriptedAnswers {
  /** Queues all of them or none. @throws {InputError} */
  enqueue(...answers: ScriptedAnswerInput[]): void;
  /** Those that were not given yet. */
  list(): ScriptedAnswer[];
  clear(): void;
}

/** The answers, as the server that gives them sees them. */
export interface PlayedAnswers extends ScriptedAnswers {
  /** Takes the next answer of an endpoint out of the queue. */
  play(endpoint: Endpoint): ScriptedAnswer | undefined;
}

export function createScriptedAnswers(): PlayedAnswers {
  const queue: ScriptedAnswer[] = [];
  return {
    enqueue(...given) {
      const { answers } = checkInput(z.object({ answers: z.array(scriptedAnswerSchema) }), { answers: given });
      for (const answer of answers) queue.push(answer);
    },
    list: () => [...queue],
    clear() {
      queue.length = 0;
    },
    play(endpoint) {
      const index = queue.findIndex((answer) => answer.endpoint === endpoint);
      return index < 0 ? undefined : queue.splice(index, 1)[0];
    },
  };
}

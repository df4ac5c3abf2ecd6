import { TOKEN } from '@tallystick/common';
import { z } from 'zod';
import { checkInput } from '../input_error.ts';
import { type Endpoint, endpointSchema } from '../requests/identify_request.ts';
import { headerValueSchema, statusSchema } from './faults.ts';

/** Only the server sets these headers, because they frame the message (RFC 9112 section 6). */
const FRAMING_HEADERS = ['connection', 'content-length', 'keep-alive', 'trailer', 'transfer-encoding', 'upgrade'];

const headerName = z
  .string()
  .regex(TOKEN, { error: 'expected a header name (RFC 9110 section 5.1)' })
  .refine((name) => !FRAMING_HEADERS.includes(name.toLowerCase()), {
    error: 'expected another header: the server frames the message itself',
  });

export const scriptedAnswerSchema = z.strictObject({
  endpoint: endpointSchema,
  status: statusSchema.default(200),
  headers: z.record(headerName, headerValueSchema).default({}),
  body: z
    .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
    .default('')
    .describe('Text is sent unchanged, an object or array as JSON.'),
});

export type ScriptedAnswerInput = z.input<typeof scriptedAnswerSchema>;
export type ScriptedAnswer = z.output<typeof scriptedAnswerSchema>;

/** Exact answers for the next requests to the authorization server's endpoints. Each is sent once. */
export interface ScriptedAnswers {
  /** Queues all answers or none. @throws {InputError} */
  enqueue(...answers: ScriptedAnswerInput[]): void;
  /** Answers that have not been sent yet. */
  list(): ScriptedAnswer[];
  clear(): void;
}

/** The answers, with the method that the intercepting server needs. */
export interface ScriptedAnswerQueue extends ScriptedAnswers {
  /** Removes the next answer for an endpoint from the queue. */
  take(endpoint: Endpoint): ScriptedAnswer | undefined;
}

export function createScriptedAnswers(): ScriptedAnswerQueue {
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
    take(endpoint) {
      const index = queue.findIndex((answer) => answer.endpoint === endpoint);
      return index < 0 ? undefined : queue.splice(index, 1)[0];
    },
  };
}

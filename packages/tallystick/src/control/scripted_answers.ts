import { z } from 'zod';
import { scriptedAnswerSchema } from '../harness/faults/schemas.ts';
import type { Harness } from '../harness/harness.ts';
import { issuerRoutes } from './issuer_route.ts';
import type { Route } from './route.ts';

const answersSchema = z.strictObject({ answers: z.array(scriptedAnswerSchema).min(1) });
const pending = z.object({ answers: z.array(scriptedAnswerSchema) });

export function scriptedAnswerRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/scripted-answers',
      operationId: 'listScriptedAnswers',
      summary: 'The answers that were not given yet',
      answers: { 200: { description: 'In the order in which they will be given', schema: pending } },
      handle: ({ issuer }) => ({ status: 200, body: { answers: issuer.scriptedAnswers.list() } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/scripted-answers',
      operationId: 'enqueueScriptedAnswers',
      summary: 'Say exactly what an endpoint answers next, once',
      body: answersSchema,
      answers: { 201: { description: 'All that were not given yet', schema: pending } },
      handle({ issuer, body }) {
        issuer.scriptedAnswers.enqueue(...body.answers);
        return { status: 201, body: { answers: issuer.scriptedAnswers.list() } };
      },
    }),
    issuerRoute({
      method: 'DELETE',
      path: '/scripted-answers',
      operationId: 'clearScriptedAnswers',
      summary: 'Forget the answers that were not given yet',
      answers: { 204: { description: 'Every endpoint answers for itself' } },
      handle({ issuer }) {
        issuer.scriptedAnswers.clear();
        return { status: 204 };
      },
    }),
  ];
}

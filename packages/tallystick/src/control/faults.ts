import { z } from 'zod';
import { activeFaultSchema, faultSchema } from '../harness/faults/faults.ts';
import { scriptedAnswerSchema } from '../harness/faults/scripted_answers.ts';
import type { Harness } from '../harness/harness.ts';
import { issuerRoutes, type Route } from './route.ts';

const activeFaults = z.object({ faults: z.array(activeFaultSchema) });

export function faultRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/faults',
      operationId: 'listFaults',
      summary: 'List the active faults',
      answers: { 200: { description: 'The active faults', schema: activeFaults } },
      handle: ({ issuer }) => ({ status: 200, body: { faults: issuer.faults.list() } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/faults',
      operationId: 'addFaults',
      summary: 'Make the authorization server, the gateway, its upstreams, the store or the revocation feed fail',
      body: z.strictObject({ faults: z.array(faultSchema).min(1) }),
      answers: { 201: { description: 'The new faults with their ids', schema: activeFaults } },
      handle: ({ issuer, body }) => ({ status: 201, body: { faults: issuer.faults.add(...body.faults) } }),
    }),
    issuerRoute({
      method: 'DELETE',
      path: '/faults',
      operationId: 'clearFaults',
      summary: 'Remove all faults',
      answers: { 204: { description: 'All faults were removed' } },
      handle({ issuer }) {
        issuer.faults.clear();
        return { status: 204 };
      },
    }),
    issuerRoute({
      method: 'DELETE',
      path: '/faults/{id}',
      operationId: 'removeFault',
      summary: 'Remove one fault',
      answers: { 204: { description: 'The fault was removed' }, 404: { description: 'No fault with this id' } },
      handle: ({ issuer, parameters }) => ({ status: issuer.faults.remove(String(parameters.id)) ? 204 : 404 }),
    }),
  ];
}

const newAnswers = z.strictObject({ answers: z.array(scriptedAnswerSchema).min(1) });
const pendingAnswers = z.object({ answers: z.array(scriptedAnswerSchema) });

export function scriptedAnswerRoutes(harness: Harness): Route[] {
  const issuerRoute = issuerRoutes(harness);
  return [
    issuerRoute({
      method: 'GET',
      path: '/scripted-answers',
      operationId: 'listScriptedAnswers',
      summary: 'List the scripted answers that have not been sent yet',
      answers: { 200: { description: 'The answers in the order in which they will be sent', schema: pendingAnswers } },
      handle: ({ issuer }) => ({ status: 200, body: { answers: issuer.scriptedAnswers.list() } }),
    }),
    issuerRoute({
      method: 'POST',
      path: '/scripted-answers',
      operationId: 'enqueueScriptedAnswers',
      summary: 'Set the exact next answers of endpoints; each is sent once',
      body: newAnswers,
      answers: { 201: { description: 'All scripted answers that have not been sent yet', schema: pendingAnswers } },
      handle({ issuer, body }) {
        issuer.scriptedAnswers.enqueue(...body.answers);
        return { status: 201, body: { answers: issuer.scriptedAnswers.list() } };
      },
    }),
    issuerRoute({
      method: 'DELETE',
      path: '/scripted-answers',
      operationId: 'clearScriptedAnswers',
      summary: 'Remove all scripted answers',
      answers: { 204: { description: 'All scripted answers were removed' } },
      handle({ issuer }) {
        issuer.scriptedAnswers.clear();
        return { status: 204 };
      },
    }),
  ];
}

import { validate } from '@tallystick/common/config';
import { z } from 'zod';
import { createExamples, type Example } from './examples.ts';
import type { Route, RouteAnswer } from './route.ts';
import { VERBS } from './verbs.ts';

const problem = z.object({
  error: z.string(),
  error_description: z.string(),
  path: z.string().optional().describe('Path of the wrong value, such as `faults[0].status`.'),
});

/** Makes the OpenAPI 3.1 document of routes from the schemas that validate their input. */
export function openApiDocument(routes: readonly Route[]): object {
  const examples = createExamples();
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes)
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: operation(route, examples[route.operationId]),
    };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tallystick control API',
      version: '1',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server' }],
    // It has no authentication: it listens on this machine only.
    security: [],
    paths,
    components: { schemas: { Problem: schemaOf(problem) } },
  };
}

function operation({ operationId, summary, path, query, body, answers }: Route, example: Example | undefined): object {
  const verb = VERBS[operationId];
  const parameters = [...pathParameters(path), ...queryParameters(query)];
  return {
    operationId,
    summary,
    ...(verb !== undefined && { 'x-library': verb }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: needsBody(body), content: json(schemaOf(body), example?.body) } }),
    responses: {
      ...PROBLEMS,
      ...(body && BODY_PROBLEMS),
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, response(status, answer, example?.answer)]),
      ),
      default: problemResponse('The error; nothing was changed'),
    },
  };
}

/** Answers to wrong calls of every operation. */
const PROBLEMS = {
  400: problemResponse('The input is wrong; nothing was changed', {
    error: 'invalid_request',
    error_description: 'expected no value here; found a string',
    path: 'tennant',
  }),
  403: problemResponse('A web page of another origin called', {
    error: 'access_denied',
    error_description: 'a web page of another origin must not call the control API',
  }),
};

/** Answers to wrong calls of an operation with a body. */
const BODY_PROBLEMS = {
  413: problemResponse('The body is larger than 1 MiB'),
  415: problemResponse('The body is not JSON', {
    error: 'invalid_request',
    error_description: 'expected the Content-Type application/json',
  }),
};

function response(status: string, { description, schema }: RouteAnswer, example: unknown): object {
  if (Number(status) >= 400) return problemResponse(description);
  return schema ? { description, content: json(schemaOf(schema, 'output'), example) } : { description };
}

function problemResponse(description: string, example?: z.output<typeof problem>): object {
  return { description, content: json({ $ref: '#/components/schemas/Problem' }, example) };
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject | undefined): object[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    schema: schemaOf(schema as z.ZodType),
  }));
}

/** An empty body counts as an empty object. */
function needsBody(body: z.ZodType): boolean {
  return !validate(body, {}).success;
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'input'): object {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io });
  return described;
}

function json(schema: object, example: unknown): object {
  return { 'application/json': { schema, ...(example !== undefined && { example }) } };
}

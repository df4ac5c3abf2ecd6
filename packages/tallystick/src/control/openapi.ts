import { validate } from '@tallystick/common/config';
import { z } from 'zod';
import type { Route, RouteAnswer } from './route.ts';
import { VERBS } from './verbs.ts';

const problem = z.object({
  error: z.string(),
  error_description: z.string(),
  path: z.string().optional().describe('Path of the wrong value, such as `faults[0].status`.'),
});

/** Makes the OpenAPI 3.1 document of routes from the schemas that validate their input. */
export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
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

function operation({ operationId, summary, path, query, body, answers }: Route): object {
  const verb = VERBS[operationId];
  const parameters = [...pathParameters(path), ...queryParameters(query)];
  return {
    operationId,
    summary,
    ...(verb !== undefined && { 'x-library': verb }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: needsBody(body), content: json(schemaOf(body)) } }),
    responses: {
      ...((body ?? query) && { 400: problemResponse('The input is wrong; nothing was changed') }),
      403: problemResponse('A web page of another origin called'),
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(status, answer)])),
      default: problemResponse('The error; nothing was changed'),
    },
  };
}

function response(status: string, { description, schema }: RouteAnswer): object {
  if (Number(status) >= 400) return problemResponse(description);
  return schema ? { description, content: json(schemaOf(schema, 'output')) } : { description };
}

function problemResponse(description: string): object {
  return { description, content: json({ $ref: '#/components/schemas/Problem' }) };
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

function json(schema: object): object {
  return { 'application/json': { schema } };
}

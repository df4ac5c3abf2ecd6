import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { errorFields, hasTooManyParameters, type Log, MAX_PARAMETERS } from '@tallystick/common';
import { z } from 'zod';
import type { Harness } from '../harness/harness.ts';
import { checkInput, InputError } from '../harness/input_error.ts';
import { valuesOf } from '../harness/requests/recorded_request.ts';
import { backchannelRequestRoutes } from './backchannel_requests.ts';
import { collectionRoutes } from './collections.ts';
import { ControlError, describeProblem } from './control_error.ts';
import { faultRoutes, scriptedAnswerRoutes } from './faults.ts';
import { clockRoutes, issuerRoutesOfServer, resetRoutes, tenantRoutes } from './instance.ts';
import { openApiDocument } from './openapi.ts';
import { readJson, refuseForeignOrigin } from './read_request.ts';
import { requestRoutes } from './requests.ts';
import { type Answer, type Route, route } from './route.ts';
import { keyRoutes, tokenRoutes } from './tokens.ts';

/** All routes of the control API except the description of itself. */
function controlRoutes(harness: Harness): Route[] {
  const resources = [
    faultRoutes,
    scriptedAnswerRoutes,
    clockRoutes,
    requestRoutes,
    tokenRoutes,
    collectionRoutes,
    keyRoutes,
    tenantRoutes,
    backchannelRequestRoutes,
    issuerRoutesOfServer,
    resetRoutes,
  ];
  return resources.flatMap((routes) => routes(harness));
}

export interface ControlApiOptions {
  /** Receives refused requests and unexpected errors. */
  readonly log: Pick<Log, 'info' | 'error'>;
}

/** Serves the harness over HTTP. */
export function createControlApi(harness: Harness, { log }: ControlApiOptions): RequestListener {
  const routes = controlRoutes(harness);
  const document = openApiDocument([...routes, documentRoute(() => ({}))]);
  const all = [...routes, documentRoute(() => document)].map((each) => ({ ...each, matches: matcher(each.path) }));

  async function answer(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
    refuseForeignOrigin(request);
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const candidates = all.flatMap((each) => {
      const parameters = each.matches(path);
      return parameters ? [{ route: each, parameters }] : [];
    });
    if (candidates.length === 0) throw new ControlError(404, 'not_found', 'no such path; see /openapi.json');
    const found = candidates.find(({ route }) => route.method === request.method);
    if (!found) throw new ControlError(405, 'invalid_request', `expected the method ${methodsOf(candidates)}`);
    if (hasTooManyParameters(query)) throw new InputError('', `the query has more than ${MAX_PARAMETERS} parameters`);
    const { parameters } = found;
    return found.route.handle({
      query: checkInput(found.route.query ?? z.strictObject({}), valuesOf(new URLSearchParams(query))),
      body: checkInput(found.route.body ?? z.strictObject({}), await readJson(request)),
      parameters,
      signal,
    });
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const disconnected = new AbortController();
    const startedAt = performance.now();
    response.once('close', () => disconnected.abort());
    try {
      const { status, body } = await answer(request, disconnected.signal);
      if (status === 404) throw new ControlError(404, 'not_found', 'no entry with this id');
      send(response, status, body);
    } catch (error) {
      const { status, body } = describeProblem(error);
      if (status === 500) log.error(errorFields(error), 'request failed');
      else logRefusal(request, { status, milliseconds: Math.round(performance.now() - startedAt), ...body });
      send(response, status, body);
    }
  }

  /** Logs the route, not the path: only a known path is free of secrets. */
  function logRefusal(
    { method, url = '' }: IncomingMessage,
    { status, milliseconds, error, error_description: reason }: Problem,
  ): void {
    const [path = ''] = url.split('?', 1);
    const route = all.find(({ matches }) => matches(path))?.path ?? 'none';
    log.info({ method, route, status, milliseconds, error, reason }, 'request refused');
  }

  return (request, response) => void serve(request, response);
}

interface Problem {
  readonly status: number;
  readonly milliseconds: number;
  readonly error: string;
  readonly error_description: string;
}

function documentRoute(document: () => object): Route {
  return route({
    method: 'GET',
    path: '/openapi.json',
    operationId: 'describe',
    summary: 'This document',
    answers: { 200: { description: 'An OpenAPI 3.1 document', schema: z.object({ openapi: z.string() }) } },
    handle: () => ({ status: 200, body: document() }),
  });
}

/** @returns a function that returns the parameters of a path if it matches the template */
function matcher(template: string): (path: string) => Record<string, string> | undefined {
  const pattern = new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
  return (path) => {
    const match = pattern.exec(path);
    return match ? { ...match.groups } : undefined;
  };
}

function methodsOf(candidates: readonly { readonly route: Route }[]): string {
  return candidates.map(({ route }) => route.method).join(', ');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  const headers = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
  if (body === undefined) response.writeHead(status, headers).end();
  else response.writeHead(status, { ...headers, 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { checkRequest, type FindReadiness, readinessAnswer } from '@tallystick/common';
import { answer, answerRefusal } from '../http/answer.ts';
import { RequestError, toRequestError } from '../http/errors.ts';
import type { Metrics } from './metrics.ts';

const json = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };

export interface OperationsDependencies {
  readonly findReadiness: FindReadiness;
  /** Default: `/metrics` does not exist. */
  readonly metrics?: Pick<Metrics, 'expose'> | undefined;
}

/**
 * Serves the endpoints for operators: `/healthz` (the process runs), `/readyz` (its dependencies work too), `/metrics`.
 *
 * @returns whether the request was for one of them
 */
export type ServeOperations = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createServeOperations({ findReadiness, metrics }: OperationsDependencies): ServeOperations {
  const endpoints: Record<string, (response: ServerResponse) => void | Promise<void>> = {
    '/healthz': (response) => answer(response, 200, json, '{"status":"ok"}'),
    async '/readyz'(response) {
      const { status, headers, body } = readinessAnswer(await findReadiness());
      answer(response, status, headers, body);
    },
    ...(metrics && {
      async '/metrics'(response: ServerResponse) {
        const { contentType, text } = await metrics.expose();
        answer(response, 200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }, text);
      },
    }),
  };

  return (request, response) => {
    const { url = '', method } = request;
    if (!Object.hasOwn(endpoints, url)) return false;
    if (method === 'GET' || method === 'HEAD') void endpoints[url]?.(response);
    else answerRefusal(response, new RequestError('method_not_allowed', 'this resource supports GET and HEAD only'));
    return true;
  };
}

/** Serves the endpoints for operators on an address of their own, for any host. */
export function createOperationsListener(serveOperations: ServeOperations): RequestListener {
  return (request, response) => {
    const fault = checkRequest(request);
    if (fault !== undefined) answerRefusal(response, toRequestError(fault));
    else if (!serveOperations(request, response)) {
      answerRefusal(response, new RequestError('not_found', 'only /healthz, /readyz and /metrics exist here'));
    }
  };
}

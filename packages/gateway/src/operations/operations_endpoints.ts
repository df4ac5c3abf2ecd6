import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  checkRequest,
  type FindReadiness,
  HEALTH_PATHS,
  livenessAnswer,
  type PlainAnswer,
  readinessAnswer,
} from '@tallystick/common';
import { answer, answerRefusal } from '../http/answer.ts';
import { RequestError, toRequestError } from '../http/errors.ts';
import type { Metrics } from './metrics.ts';

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
    [HEALTH_PATHS.liveness]: (response) => answerPlain(response, livenessAnswer()),
    async [HEALTH_PATHS.readiness](response) {
      answerPlain(response, readinessAnswer(await findReadiness()));
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

function answerPlain(response: ServerResponse, { status, headers, body }: PlainAnswer): void {
  answer(response, status, headers, body);
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

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { checkRequest, type FindReadiness, readinessAnswer } from '@tallystick/common';
import { answer, answerRefusal } from '../http/answer.ts';
import { RequestError, toRequestError } from '../http/errors.ts';
import type { Metrics } from './metrics.ts';

const json = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };

export interface OperationsPagesDependencies {
  readonly findReadiness: FindReadiness;
  /** Without it there is no `/metrics`. */
  readonly metrics?: Pick<Metrics, 'expose'> | undefined;
}

/**
 * Answers requests for what an operator asks: `/healthz` (the process serves), `/readyz` (so does what it depends on), `/metrics`.
 *
 * @returns whether the request was one
 */
export type ServeOperationsPage = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createOperationsPages({ findReadiness, metrics }: OperationsPagesDependencies): ServeOperationsPage {
  const pages: Record<string, (response: ServerResponse) => void | Promise<void>> = {
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
    if (!Object.hasOwn(pages, url)) return false;
    if (method === 'GET' || method === 'HEAD') void pages[url]?.(response);
    else answerRefusal(response, new RequestError('method_not_allowed', 'this page is served to GET and HEAD only'));
    return true;
  };
}

/** Answers at another address than the gateway: for which hosts that one answers, its server knows. */
export function createOperationsListener(servePage: ServeOperationsPage): RequestListener {
  return (request, response) => {
    const fault = checkRequest(request);
    if (fault !== undefined) answerRefusal(response, toRequestError(fault));
    else if (!servePage(request, response)) {
      answerRefusal(response, new RequestError('not_found', 'there is /healthz, /readyz and /metrics'));
    }
  };
}

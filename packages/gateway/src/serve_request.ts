import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type AllowsHost, checkRequest, type Log } from '@tallystick/common';
import type { Refuse } from './forward/exchange.ts';
import type { Destination, Forwarder } from './forward/forwarder.ts';
import type { DecisionEndpoints } from './forward_auth/decision_endpoints.ts';
import { lingerAfterAnswer } from './http/answer.ts';
import { isPreflight } from './http/cors.ts';
import { RequestError, toRefusal, toRequestError } from './http/errors.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { RefuseRequest } from './refuse_request.ts';
import type { RequestContext, RequestProcessor } from './request_processor.ts';
import type { ServePreflight } from './routes/preflight.ts';
import type { ServeTokenHandlers } from './token_handler/serve_token_handlers.ts';

/**
 * Serves an endpoint of the gateway itself. Its requests are neither counted nor logged.
 *
 * @returns whether the request was for one
 */
export type ServeOwnEndpoint = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A request that is being served. */
export interface ServedRequest {
  readonly context: RequestContext;
  readonly response: ServerResponse;
  readonly refuse: Refuse;
}

/** Serves a request, if the request is for this endpoint. @returns whether it is */
export type Endpoint = (served: ServedRequest) => boolean;

export interface ServeRequestDependencies {
  readonly allowsHost: AllowsHost | undefined;
  readonly serveOwnEndpoint: ServeOwnEndpoint;
  /** Tried in this order. The last one accepts every request. */
  readonly endpoints: readonly Endpoint[];
  readonly processor: RequestProcessor;
  readonly refuseRequest: RefuseRequest;
  readonly lifecycle: Lifecycle;
}

/** The edge: checks a request, and lets the first matching endpoint serve it. */
export function createServeRequest(dependencies: ServeRequestDependencies): RequestListener {
  const { allowsHost, serveOwnEndpoint, endpoints, processor, refuseRequest, lifecycle } = dependencies;
  return (request, response) => {
    lingerAfterAnswer(request, response);
    if (lifecycle.isDraining) response.shouldKeepAlive = false;
    const fault = checkRequest(request, allowsHost);
    if (fault === undefined && serveOwnEndpoint(request, response)) return;

    const context = processor.begin(request);
    response.once('close', () => {
      if (response.errored instanceof RequestError) context.decision.error ??= response.errored;
      if (response.headersSent) context.status = response.statusCode;
      processor.end(context);
    });
    const refuse: Refuse = (error) => refuseRequest(context, response, error);
    if (fault !== undefined) {
      refuse(toRequestError(fault));
      return;
    }
    const served: ServedRequest = { context, response, refuse };
    for (const serve of endpoints) if (serve(served)) return;
  };
}

/** Signs in users of browser applications. */
export function tokenHandlersEndpoint(serveTokenHandlers: ServeTokenHandlers): Endpoint {
  return ({ context: { request, decision }, response }) => serveTokenHandlers(request, response, decision);
}

export function preflightEndpoint(servePreflight: ServePreflight): Endpoint {
  return ({ context: { request, decision }, response }) =>
    isPreflight(request) && servePreflight(request, response, decision);
}

export interface DecisionEndpointDependencies {
  readonly decisions: DecisionEndpoints;
  readonly servePreflight: ServePreflight;
  readonly processor: RequestProcessor;
  readonly log: Log;
}

/** Authorizes requests without forwarding them, for other gateways. */
export function decisionEndpoint(dependencies: DecisionEndpointDependencies): Endpoint {
  const { decisions, servePreflight, processor, log } = dependencies;
  return ({ context, response, refuse }) => {
    const { request, decision } = context;
    const endpoint = decisions.find(request.url ?? '');
    if (endpoint === undefined) return false;
    try {
      const original = decisions.read(request, endpoint);
      decision.original = original;
      if (decisions.answersPreflight(original, endpoint) && servePreflight(original, response, decision)) return true;
      const asked = { original, endpoint };
      void processor.authorize(context, original, (to) => decisions.permit(response, asked, to), refuse);
    } catch (thrown) {
      refuse(toRefusal(thrown, log, decision.trace?.spanContext.traceId));
    }
    return true;
  };
}

/** Authorizes and forwards every other request. */
export function apiEndpoint(processor: RequestProcessor, forwarder: Forwarder): Endpoint {
  return ({ context, response, refuse }) => {
    const { request, decision } = context;
    const forward = (destination: Destination) => {
      if (destination.dpopNonce !== undefined) response.setHeader('DPoP-Nonce', destination.dpopNonce);
      forwarder.request(request, response, destination, refuse, decision.trace);
    };
    void processor.authorize(context, request, forward, refuse);
    return true;
  };
}

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
import type { RequestLife, RequestLives } from './request_life.ts';
import type { ServePreflight } from './routes/preflight.ts';
import type { ServeTokenHandlers } from './token_handler/serve_token_handlers.ts';

/**
 * A page of the gateway's own, which is neither counted nor logged.
 *
 * @returns whether the request was for it
 */
export type ServePage = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A request that is being served. */
export interface ServedRequest {
  readonly life: RequestLife;
  readonly response: ServerResponse;
  readonly refuse: Refuse;
}

/** @returns whether the request was for it */
export type Endpoint = (served: ServedRequest) => boolean;

export interface ServeRequestDependencies {
  readonly allowsHost: AllowsHost | undefined;
  readonly servePage: ServePage;
  /** Are tried in this order; the last one takes whatever is left. */
  readonly endpoints: readonly Endpoint[];
  readonly lives: RequestLives;
  readonly refuseRequest: RefuseRequest;
  readonly lifecycle: Lifecycle;
}

/** The edge: a request is checked, and served by the first endpoint that it is for. */
export function createServeRequest(dependencies: ServeRequestDependencies): RequestListener {
  const { allowsHost, servePage, endpoints, lives, refuseRequest, lifecycle } = dependencies;
  return (request, response) => {
    lingerAfterAnswer(request, response);
    if (lifecycle.isDraining) response.shouldKeepAlive = false;
    const fault = checkRequest(request, allowsHost);
    if (fault === undefined && servePage(request, response)) return;

    const life = lives.begin(request);
    response.once('close', () => {
      if (response.errored instanceof RequestError) life.decision.error ??= response.errored;
      if (response.headersSent) life.status = response.statusCode;
      lives.end(life);
    });
    const refuse: Refuse = (error) => refuseRequest(life, response, error);
    if (fault !== undefined) {
      refuse(toRequestError(fault));
      return;
    }
    const served: ServedRequest = { life, response, refuse };
    for (const serve of endpoints) if (serve(served)) return;
  };
}

/** Browser applications sign their users in here. */
export function tokenHandlersEndpoint(serveTokenHandlers: ServeTokenHandlers): Endpoint {
  return ({ life: { request, decision }, response }) => serveTokenHandlers(request, response, decision);
}

export function preflightEndpoint(servePreflight: ServePreflight): Endpoint {
  return ({ life: { request, decision }, response }) =>
    isPreflight(request) && servePreflight(request, response, decision);
}

export interface DecisionEndpointDependencies {
  readonly decisions: DecisionEndpoints;
  readonly servePreflight: ServePreflight;
  readonly lives: RequestLives;
  readonly log: Log;
}

/** Authorizes without forwarding, for another gateway. */
export function decisionEndpoint(dependencies: DecisionEndpointDependencies): Endpoint {
  const { decisions, servePreflight, lives, log } = dependencies;
  return ({ life, response, refuse }) => {
    const { request, decision } = life;
    const endpoint = decisions.find(request.url ?? '');
    if (endpoint === undefined) return false;
    try {
      const original = decisions.read(request, endpoint);
      decision.original = original;
      if (decisions.answersPreflight(original, endpoint) && servePreflight(original, response, decision)) return true;
      const asked = { original, endpoint };
      void lives.authorize(life, original, (to) => decisions.permit(response, asked, to), refuse);
    } catch (thrown) {
      refuse(toRefusal(thrown, log, decision.trace?.spanContext.traceId));
    }
    return true;
  };
}

/** Everything else is for an API. */
export function apiEndpoint(lives: RequestLives, forwarder: Forwarder): Endpoint {
  return ({ life, response, refuse }) => {
    const { request, decision } = life;
    const forward = (destination: Destination) => {
      if (destination.dpopNonce !== undefined) response.setHeader('DPoP-Nonce', destination.dpopNonce);
      forwarder.request(request, response, destination, refuse, decision.trace);
    };
    void lives.authorize(life, request, forward, refuse);
    return true;
  };
}

import type { IncomingMessage } from 'node:http';
import type { ResourceServerError } from '@tallystick/resource-server';
import { removeSetCookies } from '../http/cookies.ts';
import { causeCode, RequestError } from '../http/errors.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import type { Upstream } from '../routes/upstream.ts';
import type { CallTrace, RequestTrace } from '../tracing/request_trace.ts';

/** Answers a client in place of an upstream that fails, or breaks off the answer that has begun. */
export type Refuse = (error: ResourceServerError) => void;

/**
 * A request, or a request to upgrade, on its way to an upstream and back. It travels with the options that http-proxy hands on to its
 * events.
 */
export interface Exchange {
  readonly request: IncomingMessage;
  /** What the client is answered on: a response or, for a request to upgrade, the socket. */
  readonly client: { readonly destroyed: boolean };
  readonly forwarding: Forwarding;
  readonly refuse: Refuse;
  /** Of the request, where requests are traced; each time it is sent has a span of its own. */
  readonly trace: RequestTrace | undefined;
  /** The span of its way. */
  call: CallTrace | undefined;
  /** By `performance.now()`. */
  sentAt: number;
  /** Where it is sent. */
  upstream: Upstream;
}

/**
 * It is about to be sent. Its trace context takes the place of the client's; the request's headers are already those for the
 * upstream. Without a trace they stay as they are.
 */
export function sendingTo(exchange: Exchange, upstream: Upstream): void {
  const { request, trace } = exchange;
  exchange.upstream = upstream;
  exchange.sentAt = performance.now();
  if (trace === undefined) return;
  const { hostname, port } = upstream;
  const call = trace.call({ method: request.method, hostname, port });
  delete request.headers.traceparent;
  delete request.headers.tracestate;
  Object.assign(request.headers, call.headers);
  exchange.call = call;
}

/** The upstream began to answer, with something that can be passed on. What a client must not get is taken out of the head. */
export function answeredBy(
  exchange: Exchange,
  upstreamResponse: IncomingMessage,
  tokenCookies: readonly string[],
): void {
  const { forwarding, upstream, call, request } = exchange;
  const { statusCode = 0, headers } = upstreamResponse;
  forwarding.upstreams.answered(upstream, statusCode);
  call?.answered(statusCode);
  removeSetCookies(headers, tokenCookies);
  forwarding.rewriteResponse?.(headers, request.headers);
}

/** It has failed: the client is told, and if it is the upstream's fault, the upstream is blamed. */
export function failExchange(exchange: Exchange, error: ResourceServerError): void {
  const { call, client, forwarding, upstream, refuse } = exchange;
  call?.failed(causeCode(error));
  if (!(error instanceof RequestError || client.destroyed)) forwarding.upstreams.failed(upstream);
  refuse(error);
}

import type { IncomingMessage } from 'node:http';
import type { ResourceServerError } from '@tallystick/resource-server';
import { removeSetCookies } from '../http/cookies.ts';
import { causeCode, RequestError } from '../http/errors.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import type { Upstream } from '../routes/upstream_pool.ts';
import type { CallTrace, RequestTrace } from '../tracing/request_trace.ts';

/** Refuses a request in place of an upstream that failed, or breaks off a response that has begun. */
export type Refuse = (error: ResourceServerError) => void;

/** A request or an upgrade on its way to an upstream and back. It is part of the options that http-proxy passes to its events. */
export interface Exchange {
  readonly request: IncomingMessage;
  /** The client's response or, for an upgrade, its socket. */
  readonly client: { readonly destroyed: boolean };
  readonly forwarding: Forwarding;
  readonly refuse: Refuse;
  /** The trace of the request, if requests are traced. Each attempt gets a span of its own. */
  readonly trace: RequestTrace | undefined;
  /** The span of the current attempt. */
  call: CallTrace | undefined;
  /** The value of `performance.now()` when the current attempt began. */
  sentAt: number;
  /** The upstream of the current attempt. */
  upstream: Upstream;
}

/**
 * Begins an attempt to send the request. Its headers are already the ones for the upstream; with a trace, the trace context
 * of this attempt replaces the client's.
 */
export function beginAttempt(exchange: Exchange, upstream: Upstream): void {
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

/** Records a response that can be passed on, and removes headers that the client must not get. */
export function acceptResponse(
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

/** Refuses the request, and counts a failure of the upstream unless the request or the client is to blame. */
export function failExchange(exchange: Exchange, error: ResourceServerError): void {
  const { call, client, forwarding, upstream, refuse } = exchange;
  call?.failed(causeCode(error));
  if (!(error instanceof RequestError || client.destroyed)) forwarding.upstreams.failed(upstream);
  refuse(error);
}

import type { IncomingMessage } from 'node:http';
import type { Log } from '@tallystick/common';
import { ValidationUnavailableError } from '@tallystick/resource-server';
import { type AuthorizeDependencies, authorizeRequest } from './authorize/authorize_request.ts';
import type { Decision } from './decision.ts';
import type { Refuse } from './forward/exchange.ts';
import type { Destination } from './forward/forwarder.ts';
import { type RequestError, toRefusal } from './http/errors.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Metrics } from './operations/metrics.ts';
import { logRequest } from './operations/request_log.ts';
import type { Tracing } from './tracing/request_trace.ts';

/** The context of one request or WebSocket, from its arrival to its end. */
export interface RequestContext {
  readonly request: IncomingMessage;
  readonly decision: Decision;
  /** Epoch milliseconds. */
  readonly began: number;
  /** The status of the response; 499 until there is one. */
  status: number;
}

/** Counts, authorizes, times, traces and logs every request. */
export interface RequestProcessor {
  begin(request: IncomingMessage): RequestContext;
  /**
   * Authorizes a request and calls `forward`, or calls `refuse` with the error.
   *
   * @param original the request itself, or the original request of another gateway
   */
  authorize(
    context: RequestContext,
    original: IncomingMessage,
    forward: (destination: Destination) => void,
    refuse: Refuse,
  ): Promise<void>;
  /** Ends the trace with the handshake, because a WebSocket may stay open for days. */
  upgraded(context: RequestContext, status: number): void;
  /** Ends a request, whatever its outcome. */
  end(context: RequestContext): void;
  /** Counts and logs a request that the HTTP parser refused. */
  unreadable(this: void, error: RequestError): void;
}

export interface RequestProcessorDependencies {
  readonly steps: AuthorizeDependencies;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
  readonly metrics: Metrics | undefined;
  readonly tracing: Tracing | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createRequestProcessor(dependencies: RequestProcessorDependencies): RequestProcessor {
  const { steps, lifecycle, log, metrics, tracing, now } = dependencies;
  const { served, authorized } = lifecycle;
  return {
    begin(request) {
      const decision: Decision = { cache: 'none' };
      if (tracing) decision.trace = tracing.begin(request);
      const began = now();
      served.begin();
      return { request, decision, began, status: 499 };
    },
    async authorize({ decision }, original, forward, refuse) {
      authorized.begin();
      try {
        const destination = await authorizeRequest(original, steps, decision);
        if (lifecycle.isClosed) throw new ValidationUnavailableError('the gateway is shutting down');
        if (!original.socket.destroyed) forward(destination);
      } catch (thrown) {
        refuse(toRefusal(thrown, log, decision.trace?.spanContext.traceId));
      } finally {
        authorized.end();
      }
    },
    upgraded(context, status) {
      context.status = status;
      endTrace(context);
    },
    end(context) {
      const { request, decision, began, status } = context;
      served.end();
      metrics?.decided(decision);
      endTrace(context);
      logRequest(log, decision, { request: decision.original ?? request, status, milliseconds: now() - began });
    },
    unreadable(error) {
      const decision: Decision = { cache: 'none', error };
      metrics?.decided(decision);
      logRequest(log, decision, { request: { rawHeaders: [] }, status: error.status, milliseconds: 0 });
    },
  };
}

/** Ends the trace of a request with its decision and outcome. Only the first call has an effect. */
function endTrace({ request, decision, status }: RequestContext): void {
  const { trace, original = request, route, cache, tokenKey, error } = decision;
  trace?.end({
    method: original.method,
    status,
    route: route?.prefix,
    error: error?.code,
    details: {
      'tallystick.access_token.style': route?.accessTokens,
      'tallystick.cache': cache,
      'tallystick.outcome': error?.code ?? 'forwarded',
      'tallystick.token_key': tokenKey,
    },
  });
}

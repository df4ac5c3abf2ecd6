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

/** One request or WebSocket, from its arrival to its end. */
export interface RequestLife {
  readonly request: IncomingMessage;
  readonly decision: Decision;
  /** Epoch milliseconds. */
  readonly began: number;
  /** What the client was answered; 499 as long as there is nothing. */
  status: number;
}

/** What happens to every request that is served: it is counted, authorized, measured, traced and logged. */
export interface RequestLives {
  begin(request: IncomingMessage): RequestLife;
  /**
   * Authorizes the request, and forwards it; whatever goes wrong is answered by `refuse`.
   *
   * @param asked is authorized: the request itself, or the one that another gateway asks about
   */
  authorize(
    life: RequestLife,
    asked: IncomingMessage,
    forward: (destination: Destination) => void,
    refuse: Refuse,
  ): Promise<void>;
  /** The span ends with the handshake: nobody would see it before a WebSocket ends that may live for days. */
  upgraded(life: RequestLife, status: number): void;
  /** It is over, whatever came of it. */
  end(life: RequestLife): void;
  /** One that began and ended in the parser. */
  unreadable(this: void, error: RequestError): void;
}

export interface RequestLivesDependencies {
  readonly steps: AuthorizeDependencies;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
  readonly metrics: Metrics | undefined;
  readonly tracing: Tracing | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createRequestLives(dependencies: RequestLivesDependencies): RequestLives {
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
    async authorize({ decision }, asked, forward, refuse) {
      authorized.begin();
      try {
        const destination = await authorizeRequest(asked, steps, decision);
        if (lifecycle.isClosed) throw new ValidationUnavailableError('the gateway is shutting down');
        if (!asked.socket.destroyed) forward(destination);
      } catch (thrown) {
        refuse(toRefusal(thrown, log, decision.trace?.spanContext.traceId));
      } finally {
        authorized.end();
      }
    },
    upgraded(life, status) {
      life.status = status;
      endTrace(life);
    },
    end(life) {
      const { request, decision, began, status } = life;
      served.end();
      metrics?.decided(decision);
      endTrace(life);
      logRequest(log, decision, { request: decision.original ?? request, status, milliseconds: now() - began });
    },
    unreadable(error) {
      const decision: Decision = { cache: 'none', error };
      metrics?.decided(decision);
      logRequest(log, decision, { request: { rawHeaders: [] }, status: error.status, milliseconds: 0 });
    },
  };
}

/** Ends the span of a request with what was decided and what came of it. The first end counts. */
function endTrace({ request, decision, status }: RequestLife): void {
  const { trace, original = request, route, cache, tokenKey, error } = decision;
  trace?.end({
    method: original.method,
    status,
    route: route?.prefix,
    error: error?.code,
    details: {
      'tallystick.access_token.style': route?.style,
      'tallystick.cache': cache,
      'tallystick.outcome': error?.code ?? 'forwarded',
      'tallystick.token_key': tokenKey,
    },
  });
}

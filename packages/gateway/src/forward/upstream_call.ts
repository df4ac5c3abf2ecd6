import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { causeCode } from '../http/errors.ts';
import type { Upstream } from '../routes/upstream.ts';
import type { CallTrace, RequestTrace } from '../tracing/request_trace.ts';
import type { UpgradeWatch } from './forward_upgrade.ts';

/**
 * Begins the span of a request to an upstream, and puts its trace context in place of the client's. The request's headers are
 * already those for the upstream. Without a trace they stay as they are.
 */
export function startUpstreamCall(
  request: IncomingMessage,
  { hostname, port }: Upstream,
  trace: RequestTrace | undefined,
): CallTrace | undefined {
  if (trace === undefined) return undefined;
  const call = trace.call({ method: request.method, hostname, port });
  delete request.headers.traceparent;
  delete request.headers.tracestate;
  Object.assign(request.headers, call.headers);
  return call;
}

/** A request to upgrade whose span ends with its handshake. */
export function watchedByCall(socket: Socket, watch: UpgradeWatch, call: CallTrace): UpgradeWatch {
  socket.once('close', () => call.failed('closed'));
  return {
    ...watch,
    refuse(error) {
      call.failed(causeCode(error));
      watch.refuse(error);
    },
    answered(status) {
      call.answered(status);
      watch.answered(status);
    },
  };
}

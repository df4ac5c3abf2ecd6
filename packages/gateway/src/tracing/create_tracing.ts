import type { TLSSocket } from 'node:tls';
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { mayContinue } from './may_continue.ts';
import type { CallTarget, CallTrace, TracedOutcome, Tracing } from './request_trace.ts';

/** Parts of an OpenTelemetry SDK. Nothing global is used, so that gateways in one process may each have their own. */
export interface TracingDependencies {
  readonly tracer: Tracer;
  /** Reads and writes the headers of W3C Trace Context. */
  readonly propagator: TextMapPropagator;
}

/**
 * Traces requests by OpenTelemetry's semantic conventions for HTTP. Paths and queries are left out, although the conventions
 * have them: they belong to the APIs, and may hold secrets of theirs.
 *
 * @example
 * ```ts
 * const tracing = createTracing({ tracer: provider.getTracer('tallystick'), propagator: new W3CTraceContextPropagator() });
 * const gateway = createGateway(config, { store, log, tracing });
 * ```
 */
export function createTracing({ tracer, propagator }: TracingDependencies): Tracing {
  function startCall(parent: Context, target: CallTarget): CallTrace {
    const span = tracer.startSpan(
      spanName(target.method, target.endpoint),
      { kind: SpanKind.CLIENT, attributes: callAttributes(target) },
      parent,
    );
    const headers: Record<string, string> = {};
    propagator.inject(trace.setSpan(parent, span), headers, defaultTextMapSetter);
    let isOver = false;

    function end(attributes: Attributes, isError: boolean): void {
      if (isOver) return;
      isOver = true;
      span.setAttributes(attributes);
      if (isError) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }

    return {
      headers,
      answered(status) {
        const isError = status >= 400;
        end({ 'http.response.status_code': status, ...(isError && { 'error.type': String(status) }) }, isError);
      },
      failed: (code = '_OTHER') => end({ 'error.type': code }, true),
    };
  }

  return {
    begin({ headers, method, socket }) {
      const parent = mayContinue(headers)
        ? propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
        : ROOT_CONTEXT;
      const attributes = {
        'http.request.method': knownMethod(method),
        'url.scheme': (socket as TLSSocket).encrypted ? 'https' : 'http',
      };
      const span = tracer.startSpan(spanName(method), { kind: SpanKind.SERVER, attributes }, parent);
      const context = trace.setSpan(parent, span);
      let isOver = false;

      return {
        spanContext: span.spanContext(),
        call: (target) => startCall(context, target),
        joins: (other) => void span.addLink({ context: other.spanContext }),
        end(outcome) {
          if (isOver) return;
          isOver = true;
          span.updateName(spanName(outcome.method, outcome.route));
          span.setAttributes(outcomeAttributes(outcome));
          if (outcome.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
  };
}

/** Those of RFC 9110 and PATCH, as the conventions have it. */
const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);

function knownMethod(method = ''): string {
  return knownMethods.has(method) ? method : '_OTHER';
}

/** @param place what follows the method, of which there are few */
function spanName(method: string | undefined, place?: string): string {
  const known = knownMethod(method);
  const name = known === '_OTHER' ? 'HTTP' : known;
  return place === undefined ? name : `${name} ${place}`;
}

function callAttributes({ method, hostname, port, endpoint, resendCount }: CallTarget): Attributes {
  return {
    'http.request.method': knownMethod(method),
    'server.address': hostname,
    'server.port': port,
    ...(endpoint !== undefined && { 'url.template': endpoint }),
    ...(resendCount !== undefined && { 'http.request.resend_count': resendCount }),
  };
}

function outcomeAttributes({ method, status, route, error, details }: TracedOutcome): Attributes {
  return {
    'http.request.method': knownMethod(method),
    'http.response.status_code': status,
    ...(route !== undefined && { 'http.route': route }),
    ...(status >= 500 && { 'error.type': error ?? String(status) }),
    ...details,
  };
}

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { CallTarget, CallTrace, RequestTrace, TracedOutcome, Tracing } from './request_trace.ts';

/** Parts of an OpenTelemetry SDK. Nothing global is used, so each gateway in a process can have its own. */
export interface TracingDependencies {
  readonly tracer: Tracer;
  /** Reads and writes the headers of W3C Trace Context. */
  readonly propagator: TextMapPropagator;
}

/**
 * Traces requests by OpenTelemetry's semantic conventions for HTTP. Spans leave out paths and queries, although the conventions
 * include them: they belong to the APIs, and may contain secrets.
 *
 * @example
 * ```ts
 * const tracing = createTracing({ tracer: provider.getTracer('tallystick'), propagator: new W3CTraceContextPropagator() });
 * const gateway = createGateway(config, { store, log, tracing });
 * ```
 */
export function createTracing({ tracer, propagator }: TracingDependencies): Tracing {
  function startCall(parent: Context, target: CallTarget): CallTrace {
    const options = { kind: SpanKind.CLIENT, attributes: callAttributes(target) };
    const span = tracer.startSpan(spanName(target.method, target.endpoint), options, parent);
    const headers: Record<string, string> = {};
    propagator.inject(trace.setSpan(parent, span), headers, defaultTextMapSetter);
    return {
      headers,
      answered(status) {
        const isError = status >= 400;
        endSpan(
          span,
          { 'http.response.status_code': status, ...(isError && { 'error.type': String(status) }) },
          isError,
        );
      },
      failed: (code = '_OTHER') => endSpan(span, { 'error.type': code }, true),
    };
  }

  function begin({ headers, method, socket }: IncomingMessage): RequestTrace {
    const parent = mayContinueTrace(headers)
      ? propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
      : ROOT_CONTEXT;
    const attributes = {
      'http.request.method': knownMethod(method),
      'url.scheme': (socket as TLSSocket).encrypted ? 'https' : 'http',
    };
    const span = tracer.startSpan(spanName(method), { kind: SpanKind.SERVER, attributes }, parent);
    const context = trace.setSpan(parent, span);
    return {
      spanContext: span.spanContext(),
      call: (target) => startCall(context, target),
      joins: (other) => void span.addLink({ context: other.spanContext }),
      end(outcome) {
        const name = spanName(outcome.method, outcome.route);
        endSpan(span, outcomeAttributes(outcome), outcome.status >= 500, name);
      },
    };
  }

  return { begin };
}

/** Does nothing when the span has ended already, or is not sampled: then it is not recording. */
function endSpan(span: Span, attributes: Attributes, isError: boolean, name?: string): void {
  if (!span.isRecording()) return;
  if (name !== undefined) span.updateName(name);
  span.setAttributes(attributes);
  if (isError) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Maximum length of `traceparent` and `tracestate`, in characters. W3C Trace Context section 3.3.1.5 requires 512. */
const MAX_CONTEXT_LENGTH = 512;

/** Shorter words, such as the name of a scheme, are no credentials. */
const MIN_CREDENTIALS_LENGTH = 8;

/**
 * Whether the gateway may continue the trace of a client. It does not if the trace context contains the client's token or one of its
 * cookies: `tracestate` is nearly free text, and goes into spans and to the servers that are called.
 */
export function mayContinueTrace(headers: IncomingHttpHeaders): boolean {
  const { traceparent, tracestate = '', authorization = '', cookie = '' } = headers;
  // In a subprotocol, a token may follow a prefix and a dot.
  const subprotocols = (headers['sec-websocket-protocol'] ?? '').replaceAll('.', ' ');
  if (traceparent === undefined) return false;
  if (traceparent.length > MAX_CONTEXT_LENGTH || tracestate.length > MAX_CONTEXT_LENGTH) return false;
  const context = `${traceparent} ${tracestate}`;
  const words = `${authorization} ${cookie} ${subprotocols}`.split(/[^\w.~+/-]+/);
  return !words.some((word) => word.length >= MIN_CREDENTIALS_LENGTH && context.includes(word));
}

/** The methods of RFC 9110, and PATCH, as the conventions say. */
const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);

function knownMethod(method = ''): string {
  return knownMethods.has(method) ? method : '_OTHER';
}

/** @param place what follows the method; it must have few different values */
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

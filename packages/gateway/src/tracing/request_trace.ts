import type { IncomingMessage } from 'node:http';
import type { SpanContext } from '@opentelemetry/api';

/** Creates spans. They contain nothing that a client sent but its method and its trace context. */
export interface Tracing {
  /** Starts the span of a request. */
  begin(request: IncomingMessage): RequestTrace;
}

/** The span of one request. */
export interface RequestTrace {
  readonly spanContext: SpanContext;
  /** Starts the span of a call that the gateway makes for the request. */
  call(target: CallTarget): CallTrace;
  /** Links the request to another one whose lookup it waits for. */
  joins(other: RequestTrace): void;
  /** Ends the span. Only the first call has an effect. */
  end(outcome: TracedOutcome): void;
}

/** The outcome of a request. */
export interface TracedOutcome {
  /** Of the authorized request. For a decision for another gateway that is the original one. */
  readonly method: string | undefined;
  readonly status: number;
  /** Prefix of the route, if one was found. */
  readonly route: string | undefined;
  /** Code of the error, if the request was refused. */
  readonly error: string | undefined;
  /** Further attributes, by name. */
  readonly details: Readonly<Record<string, string | undefined>>;
}

export interface CallTarget {
  readonly method: string | undefined;
  readonly hostname: string;
  readonly port: number;
  /** The path, if it comes from the configuration and not from a request. */
  readonly endpoint?: string;
  /** Number of earlier attempts. */
  readonly resendCount?: number;
}

/** The span of one call. It ends with the first call of `answered` or `failed`. */
export interface CallTrace {
  /** Headers to send: W3C Trace Context. */
  readonly headers: Readonly<Record<string, string>>;
  /** The response began. */
  answered(status: number): void;
  /** There is no response. @param code of the reason, if known, such as `ECONNREFUSED` */
  failed(code: string | undefined): void;
}

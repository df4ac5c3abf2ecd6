import type { IncomingMessage } from 'node:http';
import type { SpanContext } from '@opentelemetry/api';

/** Makes spans of what the gateway does. Of what a client sent, only its method and its trace context go into them. */
export interface Tracing {
  /** A request arrived. */
  begin(request: IncomingMessage): RequestTrace;
}

/** The span of one request. */
export interface RequestTrace {
  readonly spanContext: SpanContext;
  /** Begins the span of a call that the gateway makes for the request. */
  call(target: CallTarget): CallTrace;
  /** The request waits for what another one has begun. */
  joins(other: RequestTrace): void;
  /** The first end counts. */
  end(outcome: TracedOutcome): void;
}

/** What came of a request. */
export interface TracedOutcome {
  /** Of the request that was decided, which another gateway may have asked about. */
  readonly method: string | undefined;
  readonly status: number;
  /** The prefix of the route, if there was one. */
  readonly route: string | undefined;
  /** The code of what refused the request. */
  readonly error: string | undefined;
  /** Further attributes, by name. */
  readonly details: Readonly<Record<string, string | undefined>>;
}

export interface CallTarget {
  readonly method: string | undefined;
  readonly hostname: string;
  readonly port: number;
  /** The path, where it is one of the configuration and not of a request. */
  readonly endpoint?: string;
  /** How many times it was tried before. */
  readonly resendCount?: number;
}

/** The span of one call. The first of its two ends counts. */
export interface CallTrace {
  /** W3C Trace Context, for the one that is called. */
  readonly headers: Readonly<Record<string, string>>;
  /** The response began. */
  answered(status: number): void;
  /** There will be no response. @param code what is known of the reason, such as `ECONNREFUSED` */
  failed(code: string | undefined): void;
}

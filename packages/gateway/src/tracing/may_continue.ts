import type { IncomingHttpHeaders } from 'node:http';

/** Characters of `traceparent` and of `tracestate`, of which W3C Trace Context section 3.3.1.5 asks for 512. What is longer is not compared. */
const longest = 512;

/** Shorter words, such as the name of a scheme, are no credentials. */
const shortestCredentials = 8;

/**
 * Whether the trace that a client names may be continued: not when its context has the client's token in it, or one of its
 * cookies. `tracestate` is nearly free text, and goes into spans and to whoever is called.
 */
export function mayContinue(headers: IncomingHttpHeaders): boolean {
  const { traceparent, tracestate = '', authorization = '', cookie = '' } = headers;
  // A token may follow a prefix and a dot there.
  const subprotocols = (headers['sec-websocket-protocol'] ?? '').replaceAll('.', ' ');
  if (traceparent === undefined || traceparent.length > longest || tracestate.length > longest) return false;
  const context = `${traceparent} ${tracestate}`;
  const words = `${authorization} ${cookie} ${subprotocols}`.split(/[^\w.~+/-]+/);
  return !words.some((word) => word.length >= shortestCredentials && context.includes(word));
}

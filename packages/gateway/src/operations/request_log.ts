import type { IncomingMessage } from 'node:http';
import type { Log } from '@tallystick/common';
import type { ResourceServerError } from '@tallystick/resource-server';
import type { Decision } from '../decision.ts';
import { causeCode, UpstreamError } from '../http/errors.ts';
import { withoutEscapes } from '../routes/request_target.ts';

export interface RequestOutcome {
  /** Of its target only the path is logged. */
  readonly request: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>;
  /** 499 when the client left before there was one. */
  readonly status: number;
  readonly milliseconds: number;
}

/** One line for every request, when it is over: what was asked, what was decided, and what came of it. */
export function logRequest(log: Log, decision: Decision, outcome: RequestOutcome): void {
  const { route, cache, tokenKey, isTargetSecret, error, trace } = decision;
  const { request, status, milliseconds } = outcome;
  const path = request.url?.split(/[?#]/, 1)[0] ?? '';
  const isSecret = isTargetSecret || (tokenKey === undefined && hasCredentials(path, request));
  const fields = {
    method: request.method,
    path: isSecret ? undefined : path,
    status,
    milliseconds,
    route: route?.prefix,
    style: route?.style,
    cache,
    tokenKey,
    trace_id: trace?.spanContext.traceId,
    ...(error && { error: error.code, ...causeOf(error) }),
  };
  if (status >= 500) log.warn(fields, 'request failed');
  else if (error !== undefined) log.info(fields, 'request refused');
  else log.debug(fields, 'request served');
}

/** Of an upstream's failure an operator has to know more than a client. */
function causeOf(error: ResourceServerError) {
  const cause = causeCode(error.cause);
  if (!(error instanceof UpstreamError)) return { reason: error.description, cause };
  return { reason: error.detail, failure: error.failure, cause };
}

/** Shorter ones, such as the name of a scheme, are no credentials. */
const shortestCredentials = 8;

/** Headers and paths whose lengths make more than this are not compared: that is work for the one who sends them. */
const longestComparison = 4 * 1024 * 1024;

/** Whether a path may have something that the request sends as credentials too, where the walk did not come to look for the token. */
function hasCredentials(path: string, { rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): boolean {
  const sent = rawHeaders
    .flatMap((value, index) => (index % 2 === 1 ? credentialsIn(rawHeaders[index - 1], value) : []))
    .join(' ');
  if (sent === '') return false;
  if (sent.length * path.length > longestComparison) return true;
  const decoded = withoutEscapes(path);
  const words = sent.split(/[\s,;=]+/).filter(({ length }) => length >= shortestCredentials);
  return words.some((word) => path.includes(word) || decoded.includes(word));
}

/** What of a header may be credentials. In a subprotocol a token may follow a prefix and a dot. */
function credentialsIn(name = '', value: string): string | [] {
  if (/^(?:authorization|cookie)$/i.test(name)) return value;
  return /^sec-websocket-protocol$/i.test(name) ? value.replaceAll('.', ' ') : [];
}

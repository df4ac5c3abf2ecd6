import type { IncomingMessage } from 'node:http';
import { type Log, TOKEN_PROBLEMS } from '@tallystick/common';
import { AccessTokenError, type ResourceServerError } from '@tallystick/resource-server';
import type { Decision } from '../decision.ts';
import { causeCode, UpstreamError } from '../http/errors.ts';
import { withoutEscapes } from '../routes/request_target.ts';

export interface RequestOutcome {
  /** Only the path of its target is logged. */
  readonly request: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>;
  /** 499 when the client disconnected before the response. */
  readonly status: number;
  readonly milliseconds: number;
}

/** Writes one line for a request at its end: the request, the decision and the outcome. */
export function logRequest(log: Log, decision: Decision, outcome: RequestOutcome): void {
  const { route, cache, client, tokenKey, isTargetSecret, error, trace } = decision;
  const { request, status, milliseconds } = outcome;
  const path = request.url?.split(/[?#]/, 1)[0] ?? '';
  const isSecret = isTargetSecret || (tokenKey === undefined && hasCredentials(path, request));
  const fields = {
    method: request.method,
    path: isSecret ? undefined : path,
    status,
    milliseconds,
    route: route?.prefix,
    style: route?.accessTokens,
    cache,
    client,
    tokenKey,
    trace_id: trace?.spanContext.traceId,
    ...(error && { error: error.code, ...causeOf(error) }),
  };
  if (status >= 500) log.warn(fields, 'request failed');
  else if (error !== undefined) log.info(fields, 'request refused');
  else log.debug(fields, 'request served');
}

/** The log has more details about a failed upstream than the client gets. */
function causeOf(error: ResourceServerError) {
  const cause = causeCode(error.cause);
  if (error instanceof AccessTokenError && error.problem !== undefined)
    return { reason: error.description, detail: TOKEN_PROBLEMS[error.problem], tokenProblem: error.problem, cause };
  if (!(error instanceof UpstreamError)) return { reason: error.description, cause };
  return { reason: error.detail, failure: error.failure, cause };
}

/** In characters. Shorter words, such as the name of a scheme, are not credentials. */
const minimumCredentials = 8;

/** The limit for the length of the headers times the length of the path. Longer ones are not compared, to bound the work. */
const maximumComparison = 4 * 1024 * 1024;

/** Whether a path may contain credentials of the request, for a request that was refused before its token was read. */
function hasCredentials(path: string, { rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): boolean {
  const sent = rawHeaders
    .flatMap((value, index) => (index % 2 === 1 ? credentialsIn(rawHeaders[index - 1], value) : []))
    .join(' ');
  if (sent === '') return false;
  if (sent.length * path.length > maximumComparison) return true;
  const decoded = withoutEscapes(path);
  const words = sent.split(/[\s,;=]+/).filter(({ length }) => length >= minimumCredentials);
  return words.some((word) => path.includes(word) || decoded.includes(word));
}

/** @returns the part of a header that may be credentials. In a subprotocol, a token may follow a prefix and a dot */
function credentialsIn(name = '', value: string): string | [] {
  if (/^(?:authorization|cookie)$/i.test(name)) return value;
  return /^sec-websocket-protocol$/i.test(name) ? value.replaceAll('.', ' ') : [];
}

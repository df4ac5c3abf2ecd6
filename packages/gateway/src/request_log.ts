import type { Decision } from './decision.ts';
import { causeCode } from './failure.ts';
import type { Log } from './log.ts';

export interface RequestOutcome {
  readonly method: string | undefined;
  /** The request target. Only its path is logged. */
  readonly target: string | undefined;
  /** 499 when the client left before there was one. */
  readonly status: number;
  readonly milliseconds: number;
}

/** One line for every request, when it is over: what was asked, what was decided, and what came of it. */
export function logRequest(log: Log, decision: Decision, outcome: RequestOutcome): void {
  const { route, cache, tokenKey, isTargetSecret, error } = decision;
  const { method, target = '', status, milliseconds } = outcome;
  const fields = {
    method,
    path: isTargetSecret ? undefined : target.split(/[?#]/, 1)[0],
    status,
    milliseconds,
    route: route?.prefix,
    style: route?.style,
    cache,
    tokenKey,
    ...(error && { error: error.code, reason: error.description, cause: causeCode(error.cause) }),
  };
  if (status >= 500) log.warn(fields, 'request failed');
  else if (error !== undefined) log.info(fields, 'request refused');
  else log.debug(fields, 'request served');
}

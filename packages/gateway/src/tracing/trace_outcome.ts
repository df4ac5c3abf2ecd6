import type { Decision } from '../decision.ts';
import type { TracedOutcome } from './request_trace.ts';

/** Ends the span of a request with what was decided and what came of it. */
export function traceOutcome(
  { trace, route, cache, tokenKey, error }: Decision,
  { method, status }: Pick<TracedOutcome, 'method' | 'status'>,
): void {
  trace?.end({
    method,
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

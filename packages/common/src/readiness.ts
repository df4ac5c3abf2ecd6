import type { PlainAnswer } from './unreadable_requests.ts';

/** What the dependencies of a server say. */
export interface Readiness {
  /** Those that do not answer, and `draining` for a server that is about to stop; none means that it is ready. */
  readonly unready: readonly string[];
  /** Why, where it is known, in words that anybody may read. */
  readonly reasons: Readonly<Record<string, string>>;
  /** What an operator should know all the same. */
  readonly warnings: readonly string[];
}

export type FindReadiness = () => Promise<Readiness>;

/** The answer to `/readyz`: 200, or 503 that names what is not ready. */
export function readinessAnswer({ unready, reasons, warnings }: Readiness): PlainAnswer {
  const isReady = unready.length === 0;
  return {
    status: isReady ? 200 : 503,
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      ...(!isReady && { 'Retry-After': '1' }),
    },
    body: JSON.stringify({
      status: isReady ? 'ready' : 'not ready',
      ...(!isReady && { unready }),
      ...(Object.keys(reasons).length > 0 && { reasons }),
      ...(warnings.length > 0 && { warnings }),
    }),
  };
}

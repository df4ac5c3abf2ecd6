import type { PlainAnswer } from './unreadable_requests.ts';

/** State of a server's dependencies. */
export interface Readiness {
  /** Dependencies that do not answer, and `draining` for a server that is about to stop. The server is ready if the list is empty. */
  readonly unready: readonly string[];
  /** Known reasons by dependency. They may be shown to anyone. */
  readonly reasons: Readonly<Record<string, string>>;
  /** Problems that do not make the server unready. */
  readonly warnings: readonly string[];
}

export type FindReadiness = () => Promise<Readiness>;

/** Paths at which every server says how it is. */
export const HEALTH_PATHS = { liveness: '/healthz', readiness: '/readyz' } as const;

/** The response of `/healthz`: the process serves. */
export function livenessAnswer(): PlainAnswer {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  return { status: 200, headers, body: '{"status":"ok"}' };
}

/** The response of `/readyz`: 200, or 503 with the unready dependencies. */
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

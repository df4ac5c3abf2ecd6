import type { Log } from '@tallystick/common';
import type { RedisProblem } from './problem.ts';
import type { Findings } from './rights.ts';

/** Receives the state changes of a store. */
export type StoreLog = Pick<Log, 'info' | 'warn'>;

/** The connections of a store. Problems of the first ones are reported first. */
const CONNECTIONS = ['reading', 'writing', 'feed', 'replicas'] as const;
export type ConnectionName = (typeof CONNECTIONS)[number];

/** Problems of the connections of one store. Each change is logged once. */
export interface RedisHealth {
  /** @param problem undefined if there is none */
  report(connection: ConnectionName, problem: RedisProblem | undefined): void;
  /** A lasting problem of the feed's connection. It affects every connection, because all use the same user. */
  feedProblem(): RedisProblem | undefined;
  found(findings: readonly Findings[]): void;
  /** Whether Redis is known to evict keys when it is full. */
  mayEvict(): boolean;
  /** Problems of a store that can still be used. */
  warnings(): readonly string[];
}

export function createRedisHealth(log: StoreLog | undefined): RedisHealth {
  const problems = new Map<ConnectionName, RedisProblem>();
  let logged: string | undefined;
  let policy: string | undefined;

  function logChange(): void {
    const connection = CONNECTIONS.find((each) => problems.has(each));
    const problem = connection && problems.get(connection);
    if (problem?.message === logged) return;
    logged = problem?.message;
    if (problem === undefined) log?.info({}, 'the token store is available again');
    else log?.warn({ reason: problem.message, detail: problem.cause, connection }, 'the token store is unavailable');
  }

  const mayEvict = () => policy !== undefined && policy !== 'noeviction';

  function warnings(): string[] {
    if (!mayEvict()) return [];
    return [
      `Redis may drop live tokens and the signing keys: its maxmemory-policy is ${policy}, and must be noeviction`,
    ];
  }

  return {
    report(connection, problem) {
      if (problem === undefined) problems.delete(connection);
      else problems.set(connection, problem);
      logChange();
    },
    feedProblem() {
      const problem = problems.get('feed');
      return problem?.isLasting ? problem : undefined;
    },
    found(findings) {
      const policies = findings.flatMap(({ evictionPolicy = [] }) => evictionPolicy);
      const worst = policies.find((each) => each !== 'noeviction') ?? policies[0];
      if (worst === undefined || worst === policy) return;
      policy = worst;
      for (const warning of warnings()) log?.warn({ policy }, warning);
    },
    mayEvict,
    warnings,
  };
}

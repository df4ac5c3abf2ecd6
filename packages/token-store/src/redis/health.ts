import type { Log } from '@tallystick/common';
import type { RedisProblem } from './problem.ts';
import type { Findings } from './rights.ts';

/** Is told what happens to a store. */
export type StoreLog = Pick<Log, 'info' | 'warn'>;

/** The connections of a store, those first whose problem says most. */
const CONNECTIONS = ['reading', 'writing', 'feed', 'replicas'] as const;
export type ConnectionName = (typeof CONNECTIONS)[number];

/** What is wrong with the connections of one store, told once for each change. */
export interface RedisHealth {
  /** @param problem undefined when all is well */
  report(connection: ConnectionName, problem: RedisProblem | undefined): void;
  /** What the feed's connection has shown about the whole: its user is that of the others. */
  feedProblem(): RedisProblem | undefined;
  found(findings: readonly Findings[]): void;
  /** Whether Redis drops keys when it is full, as far as it was asked. */
  mayEvict(): boolean;
  /** What is wrong although the store can be used. */
  warnings(): readonly string[];
}

export function createRedisHealth(log: StoreLog | undefined): RedisHealth {
  const problems = new Map<ConnectionName, RedisProblem>();
  let told: string | undefined;
  let policy: string | undefined;

  function tell(): void {
    const connection = CONNECTIONS.find((each) => problems.has(each));
    const problem = connection && problems.get(connection);
    if (problem?.message === told) return;
    told = problem?.message;
    if (problem === undefined) log?.info({}, 'the token store can be used again');
    else log?.warn({ reason: problem.message, detail: problem.cause, connection }, 'the token store cannot be used');
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
      tell();
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

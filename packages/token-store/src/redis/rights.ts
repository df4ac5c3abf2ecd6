import type { Redis } from 'ioredis';
import { RedisProblem } from './problem.ts';

/** What a process does with the store, and so what its Redis user must be allowed to do. */
export type StoreUse =
  /** Looks split entries up. */
  | 'split entries'
  /** Shares with other gateways what the authorization server said. */
  | 'shared answers'
  /** Shares values with other gateways, as token handlers do. */
  | 'shared values'
  /** All that authorization servers do. */
  | 'records';

export interface NeededRights {
  readonly uses: readonly StoreUse[];
  readonly prefix: string;
  readonly channel: string;
  /** Whether writes wait for replicas. */
  readonly waits: boolean;
  /** Whether Redis is asked whether it evicts keys, for which the user needs INFO. */
  readonly asksInfo: boolean;
  /** Whether it must answer that: Sentinels are believed about the master only if the server says so itself. */
  readonly needsInfo: boolean;
}

/** On the feed, to see whether it can be published on. It is no token key, and nobody listens to it. */
const CHECKED = 'checked:';

/** What a check finds out by the way. */
export interface Findings {
  /** Its `maxmemory-policy`; undefined if it was not asked, or the user may not ask. */
  readonly evictionPolicy: string | undefined;
}

/**
 * Runs, on one connection, every command that the uses need, each in a form that changes nothing: on keys that are not there,
 * and in one step with its undoing.
 *
 * @throws {RedisProblem} `no-rights`, which names the commands
 * @throws {Error} as ioredis does, when it does not answer
 */
export async function checkRights(redis: Redis, needed: NeededRights): Promise<Findings> {
  const refused = new Set<string>();
  const attempt = async (command: string, run: Promise<unknown>) => {
    try {
      return await run;
    } catch (error) {
      // In a Cluster the key of a check may lie elsewhere, and a full or read-only Redis says so when something is to be written.
      for (const each of [error, ...previousErrors(error)]) if (isRefusal(each)) refused.add(nameOf(each) ?? command);
      return undefined;
    }
  };
  const ping = redis.ping();
  const attempts = commandsFor(needed).map(([command = '', ...args]) => attempt(command, redis.call(command, ...args)));
  const [info] = await Promise.all([
    needed.needsInfo ? attempt('info', redis.info('memory')) : askInfo(redis, needed),
    ping,
    ...attempts,
    ...(needed.uses.includes('records') ? [attempt('multi', redis.multi(undoneWrites(needed)).exec())] : []),
  ]);
  if (refused.size > 0) throw new RedisProblem('no-rights', `it may not run ${[...refused].map(shown).join(', ')}`);
  return { evictionPolicy: /^maxmemory_policy:([\w-]+)/m.exec(String(info))?.[1] };
}

function commandsFor({ uses, prefix, waits }: NeededRights): string[][] {
  const key = (kind: string) => `${prefix}{checked}:${kind}`;
  const record = key('AccessToken');
  const commands: Record<StoreUse, string[][]> = {
    'split entries': [['get', key('signing-input')]],
    'shared answers': [
      ['get', key('answer')],
      ['set', key('answer'), '', 'XX', 'EX', '1'],
      ['exists', record],
      ['eval', 'return 0', '2', record, key('answer')],
    ],
    'shared values': [
      ['get', key('shared')],
      ['set', key('shared'), '', 'XX', 'EX', '1'],
      ['del', key('shared')],
    ],
    records: [
      ['get', key('signing-input')],
      ['set', key('signing-input'), '', 'XX', 'EX', '1'],
      ['hmget', record, 'value'],
      ['hexists', record, 'consumed'],
      ['exists', record],
      ['expire', record, '1'],
      ['unlink', record],
      ['zadd', record, 'XX', '1', ''],
      ['zrem', record, ''],
      ['zremrangebyscore', record, '0', '0'],
      ['zrangebyscore', record, '0', '0'],
      ['eval', 'return 0', '1', record],
      ['scan', '0', 'COUNT', '1'],
    ],
  };
  return [...uses.flatMap((use) => commands[use]), ...(waits ? [['wait', '0', '0']] : [])];
}

function undoneWrites({ prefix, channel }: NeededRights): string[][] {
  const record = `${prefix}{checked}:AccessToken`;
  return [
    ['hset', record, 'value', ''],
    ['del', record],
    ['publish', channel, CHECKED],
  ];
}

async function askInfo(redis: Redis, { asksInfo }: NeededRights): Promise<unknown> {
  return asksInfo ? redis.info('memory').catch(() => undefined) : undefined;
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith('NOPERM');
}

/** What a transaction was discarded for. */
function previousErrors(error: unknown): readonly unknown[] {
  return (error as { previousErrors?: readonly unknown[] } | undefined)?.previousErrors ?? [];
}

function nameOf(error: unknown): string | undefined {
  return (error as { command?: { name?: string } }).command?.name;
}

function shown(command: string): string {
  return command.toUpperCase();
}

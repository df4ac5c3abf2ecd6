import type { Redis } from 'ioredis';
import { RedisProblem } from './problem.ts';

/** Operations of a process on the store, for which its Redis user needs rights. */
export type StoreUse =
  /** Looks up split entries. */
  | 'split entries'
  /** Shares introspection answers with other gateways. */
  | 'shared answers'
  /** Shares values with other gateways, as token handlers do. */
  | 'shared values'
  /** Every operation of an authorization server. */
  | 'records';

export interface NeededRights {
  readonly uses: readonly StoreUse[];
  readonly prefix: string;
  readonly channel: string;
  /** Whether writes wait for replicas. */
  readonly waits: boolean;
  /** Whether to ask Redis for its eviction policy, for which the user needs INFO. */
  readonly asksInfo: boolean;
  /** Whether INFO is required: with Sentinel the server itself must confirm that it is the master. */
  readonly needsInfo: boolean;
}

/** Message that checks the right to publish. It is not a token key, so listeners ignore it. */
const CHECK_MESSAGE = 'checked:';

/** Further results of a check. */
export interface Findings {
  /** The server's `maxmemory-policy`; undefined if it was not asked, or the user may not ask. */
  readonly evictionPolicy: string | undefined;
}

/**
 * Runs every command that the uses need on one connection, in a form that changes nothing: on keys that do not exist, or in a
 * transaction that undoes its writes.
 *
 * @throws {RedisProblem} `no-rights`, with the names of the commands
 * @throws {Error} the errors of ioredis, if the server does not answer
 */
export async function checkRights(redis: Redis, needed: NeededRights): Promise<Findings> {
  const refused = new Set<string>();
  const attempt = async (command: string, run: Promise<unknown>) => {
    try {
      return await run;
    } catch (error) {
      // Other errors are expected: in a Cluster the key may be on another server, and a full or read-only Redis refuses writes.
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
    ['publish', channel, CHECK_MESSAGE],
  ];
}

async function askInfo(redis: Redis, { asksInfo }: NeededRights): Promise<unknown> {
  return asksInfo ? redis.info('memory').catch(() => undefined) : undefined;
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith('NOPERM');
}

/** The errors for which a transaction was discarded. */
function previousErrors(error: unknown): readonly unknown[] {
  return (error as { previousErrors?: readonly unknown[] } | undefined)?.previousErrors ?? [];
}

function nameOf(error: unknown): string | undefined {
  return (error as { command?: { name?: string } }).command?.name;
}

function shown(command: string): string {
  return command.toUpperCase();
}

import type { Condition, Write } from '../backend.ts';
import type { RedisClient } from './connections.ts';

/** A batch as Redis commands, with prefixed keys. */
export interface RedisBatch {
  readonly conditions: readonly Condition[];
  readonly commands: readonly RedisCommand[];
}

/** Carries out a write with the configured replication. @param key key of the write */
export type Replicate = <T>(key: string | undefined, write: () => Promise<T>) => Promise<T>;

/** A command with its arguments, and the key that it writes, if any. */
export interface RedisCommand {
  readonly key: string | undefined;
  readonly words: readonly string[];
}

/** Carries out a batch if all conditions are met. Returns 0, or the number of the condition that was not met (from 1). */
const WRITE_IF = `local request = cjson.decode(ARGV[1])
for index, condition in ipairs(request.conditions) do
  if condition.type == 'below' then
    local value = redis.call('GET', condition.key)
    if value and tonumber(value) >= condition.limit then return index end
  elseif condition.type == 'startsWith' then
    local value = redis.call('HMGET', condition.key, 'value')[1]
    if not value or string.sub(value, 1, #condition.prefix) ~= condition.prefix then return index end
  elseif condition.type == 'exists' then
    if redis.call('EXISTS', condition.key) == 0 then return index end
  elseif condition.type == 'stepBelow' then
    local record = redis.call('HMGET', condition.key, 'value', 'step')
    if not record[1] or tonumber(record[2] or 0) >= condition.step then return index end
  elseif redis.call('EXISTS', condition.key) == 0 or redis.call('HEXISTS', condition.key, 'consumed') == 1 then
    return index
  end
end
for _, condition in ipairs(request.conditions) do
  if condition.type == 'notConsumed' then redis.call('HSET', condition.key, 'consumed', condition.at) end
  if condition.type == 'stepBelow' then redis.call('HSET', condition.key, 'step', condition.step) end
end
for _, command in ipairs(request.commands) do redis.call(unpack(command)) end
return 0`;

/** Turns a batch into Redis commands. @param prefix prefix of every key */
export function toRedis(
  batch: readonly Write[],
  conditions: readonly Condition[],
  prefix: string,
  channel: string,
): RedisBatch {
  return {
    conditions: conditions.map((condition) => ({ ...condition, key: prefix + condition.key })),
    commands: batch.flatMap((write) => commandsOf(write, prefix, channel)),
  };
}

function commandsOf(write: Write, prefix: string, channel: string): RedisCommand[] {
  if (write.type === 'publish') return [{ key: undefined, words: ['publish', channel, write.message] }];
  const key = prefix + write.key;
  return commandWords(write, key).map((words) => ({ key, words }));
}

function commandWords(write: Exclude<Write, { type: 'publish' }>, key: string): string[][] {
  switch (write.type) {
    case 'put':
      return [['set', key, write.value, 'EX', wholeSeconds(write.expiresIn)]];
    case 'putRecord':
      return [
        ['hset', key, 'value', write.value],
        ['expire', key, wholeSeconds(write.expiresIn)],
      ];
    case 'addMember': {
      const now = Math.floor(Date.now() / 1000);
      const life = wholeSeconds(write.expiresIn);
      return [
        ['zremrangebyscore', key, '-inf', String(now)],
        ['zadd', key, String(now + Math.ceil(write.expiresIn)), write.member],
        ['expire', key, life, 'NX'],
        ['expire', key, life, 'GT'],
      ];
    }
    case 'removeMembers':
      return write.members.length > 0 ? [['zrem', key, ...write.members]] : [];
    case 'delete':
      return [['del', key]];
  }
}

/** A lifetime from a JWT may have fractions of a second (RFC 7519 section 2, NumericDate), which Redis does not accept. */
function wholeSeconds(expiresIn: number): string {
  return String(Math.ceil(expiresIn));
}

/**
 * Writes the whole batch atomically.
 *
 * @returns the index of the condition that was not met
 */
export async function writeAtOnce(
  redis: RedisClient,
  batch: RedisBatch,
  replicate: Replicate,
): Promise<number | undefined> {
  if (batch.conditions.length === 0 && batch.commands.length === 0) return undefined;
  return replicate(writtenKey(batch), () => {
    const only = onlyCommand(batch);
    if (only) return runCommand(redis, only);
    return batch.conditions.length > 0 ? runScript(redis, batch) : transact(redis, batch);
  });
}

/** The command of a batch that consists of one command, which needs neither a transaction nor a script. */
export function onlyCommand({ conditions, commands }: RedisBatch): RedisCommand | undefined {
  return conditions.length === 0 && commands.length === 1 ? commands[0] : undefined;
}

export async function runCommand(
  redis: RedisClient,
  { words: [name = '', ...args] }: RedisCommand,
): Promise<undefined> {
  await redis.call(name, ...args);
}

/** A key that a batch writes, if there is one. */
export function writtenKey({ conditions, commands }: RedisBatch): string | undefined {
  const consumed = conditions.find((condition) => condition.type === 'notConsumed')?.key;
  return consumed ?? commands.find(({ key }) => key !== undefined)?.key;
}

async function transact(redis: RedisClient, batch: RedisBatch): Promise<undefined> {
  const results = await redis.multi(batch.commands.map(({ words }) => [...words])).exec();
  if (results === null) throw new Error('Redis discarded the transaction');
  for (const [error] of results) if (error) throw error;
}

/**
 * Writes the whole batch in one script. A transaction could not check conditions first, and in a Cluster a script can be redirected to
 * another server, unlike a part of a transaction.
 *
 * @returns the index of the condition that was not met
 */
export async function runScript(redis: RedisClient, { conditions, commands }: RedisBatch): Promise<number | undefined> {
  const keys = new Set([...conditions.map(({ key }) => key), ...commands.flatMap(({ key }) => key ?? [])]);
  const request = JSON.stringify({ conditions, commands: commands.map(({ words }) => words) });
  const failed = Number(await redis.eval(WRITE_IF, keys.size, ...keys, request));
  return failed === 0 ? undefined : failed - 1;
}

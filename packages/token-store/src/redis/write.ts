import type { Condition, Write } from '../backend.ts';
import type { RedisClient } from './connections.ts';

/** A batch in Redis's words: whole keys, and the commands that each step stands for. */
export interface RedisBatch {
  readonly conditions: readonly Condition[];
  readonly commands: readonly RedisCommand[];
}

/** Carries out a write as safely as was asked for. @param key what it is written under */
export type Safely = <T>(key: string | undefined, write: () => Promise<T>) => Promise<T>;

/** What it is written under, if it is, and the command with its arguments. */
export interface RedisCommand {
  readonly key: string | undefined;
  readonly words: readonly string[];
}

/** Carries out a batch if all conditions hold; returns 0, or which condition did not (from 1). */
const WRITE_IF = `local request = cjson.decode(ARGV[1])
for index, condition in ipairs(request.conditions) do
  if condition['if'] == 'below' then
    local value = redis.call('GET', condition.key)
    if value and tonumber(value) >= condition.than then return index end
  elseif condition['if'] == 'begins' then
    local value = redis.call('HMGET', condition.key, 'value')[1]
    if not value or string.sub(value, 1, #condition.with) ~= condition.with then return index end
  elseif condition['if'] == 'exists' then
    if redis.call('EXISTS', condition.key) == 0 then return index end
  elseif condition['if'] == 'advances' then
    local record = redis.call('HMGET', condition.key, 'value', 'step')
    if not record[1] or tonumber(record[2] or 0) >= condition.step then return index end
  elseif redis.call('EXISTS', condition.key) == 0 or redis.call('HEXISTS', condition.key, 'consumed') == 1 then
    return index
  end
end
for _, condition in ipairs(request.conditions) do
  if condition['if'] == 'consumable' then redis.call('HSET', condition.key, 'consumed', condition.at) end
  if condition['if'] == 'advances' then redis.call('HSET', condition.key, 'step', condition.step) end
end
for _, command in ipairs(request.commands) do redis.call(unpack(command)) end
return 0`;

/** @param prefix begins every key */
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
  if (write.do === 'publish') return [{ key: undefined, words: ['publish', channel, write.message] }];
  const key = prefix + write.key;
  return wordsOf(write, key).map((words) => ({ key, words }));
}

function wordsOf(write: Exclude<Write, { do: 'publish' }>, key: string): string[][] {
  switch (write.do) {
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

/** What comes from a JWT may have parts of a second (RFC 7519 section 2, NumericDate), and Redis takes none. */
function wholeSeconds(expiresIn: number): string {
  return String(Math.ceil(expiresIn));
}

/**
 * The whole batch in one step, all of it or none.
 *
 * @returns the place of the condition that did not hold
 */
export async function writeAtOnce(redis: RedisClient, batch: RedisBatch, safely: Safely): Promise<number | undefined> {
  if (batch.conditions.length === 0 && batch.commands.length === 0) return undefined;
  return safely(writtenKey(batch), () => {
    const only = onlyCommand(batch);
    if (only) return runCommand(redis, only);
    return batch.conditions.length > 0 ? runScript(redis, batch) : transact(redis, batch);
  });
}

/** The command of a batch that is nothing but one: it needs neither transaction nor script. */
export function onlyCommand({ conditions, commands }: RedisBatch): RedisCommand | undefined {
  return conditions.length === 0 && commands.length === 1 ? commands[0] : undefined;
}

export async function runCommand(
  redis: RedisClient,
  { words: [name = '', ...args] }: RedisCommand,
): Promise<undefined> {
  await redis.call(name, ...args);
}

/** Something that a batch writes under, if it does. */
export function writtenKey({ conditions, commands }: RedisBatch): string | undefined {
  const consumed = conditions.find((condition) => condition.if === 'consumable')?.key;
  return consumed ?? commands.find(({ key }) => key !== undefined)?.key;
}

async function transact(redis: RedisClient, batch: RedisBatch): Promise<undefined> {
  const results = await redis.multi(batch.commands.map(({ words }) => [...words])).exec();
  if (results === null) throw new Error('Redis discarded the transaction');
  for (const [error] of results) if (error) throw error;
}

/**
 * The whole batch in one script: a transaction cannot look before it writes, and a Cluster can be asked to carry out a
 * script elsewhere, but not half a transaction.
 *
 * @returns the place of the condition that did not hold
 */
export async function runScript(redis: RedisClient, { conditions, commands }: RedisBatch): Promise<number | undefined> {
  const keys = new Set([...conditions.map(({ key }) => key), ...commands.flatMap(({ key }) => key ?? [])]);
  const request = JSON.stringify({ conditions, commands: commands.map(({ words }) => words) });
  const failed = Number(await redis.eval(WRITE_IF, keys.size, ...keys, request));
  return failed === 0 ? undefined : failed - 1;
}

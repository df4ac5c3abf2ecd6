import type { Condition } from '../backend.ts';
import type { RedisClient } from './connections.ts';
import {
  onlyCommand,
  type RedisBatch,
  type RedisCommand,
  runCommand,
  runScript,
  type Safely,
  writtenKey,
} from './write.ts';

/** What of a batch lies under one hash tag, so that one script can carry it out. */
interface Part extends RedisBatch {
  readonly conditions: Condition[];
  readonly commands: RedisCommand[];
}

/**
 * A batch on a Redis Cluster, where a script reaches one slot only: one script for each hash tag, in an order that makes every
 * state between two of them harmless.
 *
 * 1. Lists of what was issued, with the condition that the grant was not revoked. A list that names too much is harmless.
 * 2. Records, each with its split entry. Nobody holds their ids yet: they are told when the last step is done.
 * 3. What is used up. This is what decides between two requests, so it is what a token request ends with.
 *
 * When a step fails, what the request wrote is taken back as far as Redis lets us; the rest expires, known to nobody. The
 * order, and why no record can outlive the revocation of its grant, is in docs/decisions/0003-token-store.md.
 *
 * @returns the place of the condition that did not hold
 */
export async function writeBySlot(redis: RedisClient, batch: RedisBatch, safely: Safely): Promise<number | undefined> {
  const tried: Part[] = [];
  const isUsingUp = batch.conditions.some((condition) => condition.if === 'consumable');
  const takeBack = async () => {
    if (isUsingUp) await Promise.allSettled(tried.flatMap(createdKeys).map((key) => redis.del(key)));
  };
  for (const part of partsOf(batch)) {
    tried.push(part);
    let failed: number | undefined;
    try {
      failed = await safely(writtenKey(part), () => {
        const only = onlyCommand(part);
        return only ? runCommand(redis, only) : runScript(redis, part);
      });
    } catch (error) {
      void takeBack(); // Not waited for: whoever asked is told at once that Redis did not acknowledge.
      throw error;
    }
    const condition = part.conditions[failed ?? -1];
    if (condition !== undefined) {
      await takeBack();
      return batch.conditions.indexOf(condition);
    }
  }
  return undefined;
}

/** In the order in which they are carried out; those of one rank in the order of the batch. */
function partsOf({ conditions, commands }: RedisBatch): Part[] {
  const parts = new Map<string, Part>();
  const partOf = (tag: string) => {
    const part = parts.get(tag) ?? { conditions: [], commands: [] };
    parts.set(tag, part);
    return part;
  };
  let tag = '';
  for (const command of commands) {
    // A message is published with what it is about, which stands before it.
    if (command.key !== undefined) tag = hashTag(command.key);
    partOf(tag).commands.push(command);
  }
  for (const condition of conditions) partOf(hashTag(condition.key)).conditions.push(condition);
  return [...parts.values()].sort((one, other) => rank(one) - rank(other));
}

function rank({ conditions, commands }: Part): number {
  if (conditions.some((condition) => condition.if === 'consumable')) return 2;
  return commands.some(({ words: [name] }) => name === 'zadd') ? 0 : 1;
}

/** The keys that hold what a token request issues: new ones, under ids that it made. */
function createdKeys({ commands }: Part): string[] {
  return commands.flatMap(({ key, words: [name] }) =>
    key !== undefined && (name === 'hset' || name === 'set') ? key : [],
  );
}

/** What decides in which slot a key lies (Redis Cluster specification, "Hash tags"). */
function hashTag(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}

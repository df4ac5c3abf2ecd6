import type { Condition } from '../backend.ts';
import type { RedisClient } from './connections.ts';
import {
  onlyCommand,
  type RedisBatch,
  type RedisCommand,
  type Replicate,
  runCommand,
  runScript,
  writtenKey,
} from './write.ts';

/** The part of a batch under one hash tag, which one script can carry out. */
interface SlotBatch extends RedisBatch {
  readonly conditions: Condition[];
  readonly commands: RedisCommand[];
}

/**
 * Writes a batch on a Redis Cluster, where a script reaches one slot only: one script for each hash tag, in an order in which every
 * intermediate state is harmless.
 *
 * 1. Lists of issued records, with the condition that the grant was not revoked. A list with too many members is harmless.
 * 2. Records, each with its split entry. Nobody knows their ids yet: the client gets them after the last step.
 * 3. The consumed record. It decides between concurrent requests, so it comes last.
 *
 * If a step fails, the earlier writes are deleted as far as possible. The rest expires, and nobody knows its ids.
 * docs/decisions/0003-token-store.md explains the order, and why no record outlives the revocation of its grant.
 *
 * @returns the index of the condition that was not met
 */
export async function writeBySlot(
  redis: RedisClient,
  batch: RedisBatch,
  replicate: Replicate,
): Promise<number | undefined> {
  const attempted: SlotBatch[] = [];
  const consumes = batch.conditions.some((condition) => condition.type === 'notConsumed');
  const undo = async () => {
    if (consumes) await Promise.allSettled(attempted.flatMap(createdKeys).map((key) => redis.del(key)));
  };
  for (const part of splitBySlot(batch)) {
    attempted.push(part);
    let failed: number | undefined;
    try {
      failed = await replicate(writtenKey(part), () => {
        const only = onlyCommand(part);
        return only ? runCommand(redis, only) : runScript(redis, part);
      });
    } catch (error) {
      void undo(); // Not awaited, so that the caller gets the error at once.
      throw error;
    }
    const condition = part.conditions[failed ?? -1];
    if (condition !== undefined) {
      await undo();
      return batch.conditions.indexOf(condition);
    }
  }
  return undefined;
}

/** The parts in the order in which they are written. Parts of the same rank keep the order of the batch. */
function splitBySlot({ conditions, commands }: RedisBatch): SlotBatch[] {
  const parts = new Map<string, SlotBatch>();
  const partOf = (tag: string) => {
    const part = parts.get(tag) ?? { conditions: [], commands: [] };
    parts.set(tag, part);
    return part;
  };
  let tag = '';
  for (const command of commands) {
    // A message is published with the key before it, which it is about.
    if (command.key !== undefined) tag = hashTag(command.key);
    partOf(tag).commands.push(command);
  }
  for (const condition of conditions) partOf(hashTag(condition.key)).conditions.push(condition);
  return [...parts.values()].sort((one, other) => rank(one) - rank(other));
}

function rank({ conditions, commands }: SlotBatch): number {
  if (conditions.some((condition) => condition.type === 'notConsumed')) return 2;
  return commands.some(({ words: [name] }) => name === 'zadd') ? 0 : 1;
}

/** Keys of the records that a token request creates, which are new. */
function createdKeys({ commands }: SlotBatch): string[] {
  return commands.flatMap(({ key, words: [name] }) =>
    key !== undefined && (name === 'hset' || name === 'set') ? key : [],
  );
}

/** The part of a key that determines its slot (Redis Cluster specification, "Hash tags"). */
function hashTag(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}

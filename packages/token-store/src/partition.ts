import type { Backend, Write } from './backend.ts';

/** Key prefix of a partition. @throws {TypeError} the name is empty or has a colon */
export function partPrefix(name: string): string {
  if (name === '' || name.includes(':'))
    throw new TypeError(`expected a name for the partition, without a colon; found "${name}"`);
  return `tenant:${name}:`;
}

/**
 * Whether this installation writes a key (see the keys in `token_store.ts`). The key may also belong to another installation whose
 * prefix starts with ours, such as `a:b:` if ours is `a:`.
 *
 * @param key without the installation's prefix
 */
export function isOwnKey(key: string): boolean {
  return /^(tenant:[^:]+:)*(\{[\w-]{43}\}:|kept:)/.test(key);
}

/** Whether a key holds a permanent value, in any partition. */
export function isKeptKey(key: string): boolean {
  return /^(tenant:[^:]+:)*kept:/.test(key);
}

/** A partition of a backend: every key starts with the prefix. All partitions share the feed, because a token key is globally unique. */
export function partitionOf(backend: Backend, prefix: string): Backend {
  const prefixed = (write: Write): Write => ('key' in write ? { ...write, key: prefix + write.key } : write);
  const { getFromReplica } = backend;
  return {
    atomicWrites: backend.atomicWrites,
    write: async (batch, conditions = []) => {
      const prefixedConditions = conditions.map((condition) => ({ ...condition, key: prefix + condition.key }));
      const failed = await backend.write(batch.map(prefixed), prefixedConditions);
      return failed && conditions[prefixedConditions.indexOf(failed)];
    },
    get: (key) => backend.get(prefix + key),
    ...(getFromReplica && {
      getFromReplica: { ...getFromReplica, get: (key: string) => getFromReplica.get(prefix + key) },
    }),
    getRecord: (key) => backend.getRecord(prefix + key),
    members: (key) => backend.members(prefix + key),
    putIfAbsent: (key, value, expiresIn) => backend.putIfAbsent(prefix + key, value, expiresIn),
    getOrPut: (key, value) => backend.getOrPut(prefix + key, value),
    compareAndSet: (key, expected, value) => backend.compareAndSet(prefix + key, expected, value),
    clear: (matches) => backend.clear((key) => key.startsWith(prefix) && matches(key.slice(prefix.length))),
    subscribe: (listener) => backend.subscribe(listener),
    ping: () => backend.ping(),
    mayEvict: () => backend.mayEvict(),
    warnings: () => backend.warnings(),
    close: async () => {}, // The whole backend is closed by its owner.
  };
}

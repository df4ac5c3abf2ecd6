import type { Backend, Write } from './backend.ts';

/** A part of a backend: every key begins with the prefix. The feed is shared; a token key is the same in every part. */
export function partitionOf(backend: Backend, prefix: string): Backend {
  const prefixed = (write: Write): Write => ('key' in write ? { ...write, key: prefix + write.key } : write);
  const { getFromReplica } = backend;
  return {
    writesAtOnce: backend.writesAtOnce,
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
    keepFirst: (key, value) => backend.keepFirst(prefix + key, value),
    replaceKept: (key, expected, value) => backend.replaceKept(prefix + key, expected, value),
    clear: (keeps) => backend.clear((key) => !key.startsWith(prefix) || keeps(key.slice(prefix.length))),
    subscribe: (listener) => backend.subscribe(listener),
    ping: () => backend.ping(),
    warnings: () => backend.warnings(),
    close: async () => {}, // Closed with the whole.
  };
}

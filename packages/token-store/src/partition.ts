import type { Backend, Write } from './backend.ts';

/** What begins the keys of a part of the store. @param name without a colon */
export function partPrefix(name: string): string {
  if (name === '' || name.includes(':'))
    throw new TypeError(`a part of the store needs a name without a colon, found "${name}"`);
  return `tenant:${name}:`;
}

/**
 * Whether a key is one that this installation writes (see the layout in `token_store.ts`), and not one of another installation
 * whose prefix begins with ours: that of `a:b:` is no part of that of `a:`.
 *
 * @param key without the installation's prefix
 */
export function isOwnKey(key: string): boolean {
  return /^(tenant:[^:]+:)*(\{[\w-]{43}\}:|kept:)/.test(key);
}

/** Whether it is a key under which something is kept for good, in the whole or in a part of it. */
export function isKeptKey(key: string): boolean {
  return /^(tenant:[^:]+:)*kept:/.test(key);
}

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
    clear: (isDoomed) => backend.clear((key) => key.startsWith(prefix) && isDoomed(key.slice(prefix.length))),
    subscribe: (listener) => backend.subscribe(listener),
    ping: () => backend.ping(),
    mayEvict: () => backend.mayEvict(),
    warnings: () => backend.warnings(),
    close: async () => {}, // Closed with the whole.
  };
}

import { type Backend, CLEARED, changeOf, isTokenKey } from './backend.ts';
import type { RevocationListener, TokenStore } from './contract.ts';
import { createKeptValues, keptKey } from './kept_values.ts';
import { createOwners, isOwnerMark } from './owners.ts';
import { isKeptKey, isOwnKey, partitionOf, partPrefix } from './partition.ts';
import type { TokenStoreOptions } from './record_writer.ts';
import { beginUnitOfWork, createRecords } from './records.ts';
import { seal, unseal } from './seal.ts';
import { createSharedAnswers } from './shared_answers.ts';
import { createSharedValues } from './shared_values.ts';
import { createSplitEntries } from './split_entries.ts';
import { tokenKey } from './token_key.ts';

/**
 * The token store over any backend. Its keys, where `<key of …>` is a token key and the braces are a cluster hash tag:
 *
 * ```
 * {<key of id>}:<kind>                a record, sealed under its id and the servers' secret
 * {<key of access token>}:signing-input   a split entry: the signing input, sealed under the token if `seal` is on
 * {<key of access token>}:answer      an introspection answer that gateways share, sealed under the token
 * {<key of grant id>}:<kind>:issued   the token keys of the records issued under a grant
 * {<key of grant id>}:<kind>:revoked  when the grant was revoked, in epoch milliseconds
 * {<key of owner>}:<client or user>:issued    kind and token key of the records of a client or a user
 * {<key of owner>}:<client or user>:revoked   when these records were revoked
 * {<key of id>}:<kind>:refused        when a session was destroyed; in a Redis Cluster, when any one record was revoked
 * {<key of name>}:list               a list that processes share; each member is sealed under their secret
 * {<key of name>}:used               a name that was used once, such as the `jti` of a DPoP proof
 * {<key of name>}:shared             a value that processes share for a limited time, sealed under its name and their secret
 * kept:<name>                         a permanent value that all processes share, sealed under their secret
 * tenant:<name>:…                     the same keys in a partition
 * ```
 */
export function createTokenStore(backend: Backend, options: TokenStoreOptions): TokenStore {
  const { part = '' } = options;
  // All partitions share one feed.
  const keptChange = changeOf(`${part}${keptKey('')}`);
  return {
    records: (kind, secret) => createRecords({ kind, secret, backend, options }),
    begin: (secret) => beginUnitOfWork(secret, backend, options),
    ...createOwners(backend, options),
    splitEntries: createSplitEntries(backend),
    sharedAnswers: createSharedAnswers(backend),
    sharedValues: (secret) => createSharedValues(backend, { secret, part, now: options.now }),
    subscribe: (listener: RevocationListener) =>
      backend.subscribe({
        message(message) {
          if (message === CLEARED) listener.connected();
          else if (isTokenKey(message)) listener.revoked(message);
          else if (message.startsWith(keptChange)) listener.keptChanged?.(message.slice(keptChange.length));
        },
        connected: () => listener.connected(),
        disconnected: () => listener.disconnected(),
        checked: (milliseconds) => listener.checked?.(milliseconds),
      }),
    ...createKeptValues(backend),
    partition(name) {
      const prefix = partPrefix(name);
      return createTokenStore(partitionOf(backend, prefix), { ...options, part: part + prefix });
    },
    async clear() {
      await backend.clear((key) => isOwnKey(key) && !isKeptKey(key) && !isOwnerMark(key));
      await backend.write([{ type: 'publish', message: CLEARED }]);
    },
    async addToList(name, value, expiresIn, secret) {
      const key = listKey(name);
      await backend.write([{ type: 'addMember', key, member: seal(secret, part + key, value), expiresIn }]);
    },
    async list(name, secret) {
      const key = listKey(name);
      const values = (await backend.members(key)).map((member) => unseal(secret, part + key, member));
      return values.filter((value) => value !== undefined);
    },
    useOnce: (name, expiresIn) => backend.putIfAbsent(`{${tokenKey(name)}}:used`, '', expiresIn),
    ping: () => backend.ping(),
    warnings: () => backend.warnings(),
    close: () => backend.close(),
  };
}

function listKey(name: string): string {
  return `{${tokenKey(name)}}:list`;
}

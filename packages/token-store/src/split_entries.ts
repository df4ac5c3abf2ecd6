import type { Backend } from './backend.ts';
import type { SplitEntries } from './contract.ts';
import { createReplicaTrust } from './replica_trust.ts';
import { isSealed, unseal } from './seal.ts';
import { tokenKey } from './token_key.ts';

export function splitEntryKey(hashedSignature: string): string {
  return `{${hashedSignature}}:signing-input`;
}

/** The split entries of any backend. Where it has replicas, they are asked first, as long as that is safe. */
export function createSplitEntries(backend: Backend): SplitEntries {
  const { getFromReplica } = backend;
  const read = getFromReplica === undefined ? backend.get : readingFromReplicas(backend, getFromReplica);
  return {
    async find(signature) {
      const key = splitEntryKey(tokenKey(signature));
      const value = await read(key, tokenKey(signature));
      return value !== undefined && isSealed(value) ? unseal(signature, key, value) : value;
    },
    mayLack: () => backend.mayEvict(),
  };
}

/** A replica may not have a new entry yet, or still have a revoked one: in either case the master has the last word. */
function readingFromReplicas(backend: Backend, { get, maxLag }: NonNullable<Backend['getFromReplica']>) {
  const trust = createReplicaTrust(maxLag);
  let isListening = false;

  return async (key: string, hashedId: string): Promise<string | undefined> => {
    if (!isListening) {
      isListening = true;
      backend.subscribe(trust);
    }
    const value = trust.mayRead() ? await get(key) : undefined;
    // What was heard while the replica was asked counts too.
    return value !== undefined && trust.mayRead() && !trust.wasRevoked(hashedId) ? value : backend.get(key);
  };
}

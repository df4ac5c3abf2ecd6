import type { Backend } from './backend.ts';
import type { SplitEntries } from './contract.ts';
import { createReplicaTrust } from './replica_trust.ts';
import { isSealed, unseal } from './seal.ts';
import { tokenKey } from './token_key.ts';

export function splitEntryKey(hashedSignature: string): string {
  return `{${hashedSignature}}:signing-input`;
}

/** Split entries over any backend. Replicas, if there are any, are read first as long as that is safe. */
export function createSplitEntries(backend: Backend): SplitEntries {
  const { getFromReplica } = backend;
  const read = getFromReplica === undefined ? backend.get : readReplicaFirst(backend, getFromReplica);
  return {
    async find(signature) {
      const key = splitEntryKey(tokenKey(signature));
      const value = await read(key, tokenKey(signature));
      return value !== undefined && isSealed(value) ? unseal(signature, key, value) : value;
    },
    mayLack: () => backend.mayEvict(),
  };
}

/** A replica may lack a new entry or still have a revoked one. In both cases the master decides. */
function readReplicaFirst(backend: Backend, { get, maxLag }: NonNullable<Backend['getFromReplica']>) {
  const trust = createReplicaTrust(maxLag);
  let isListening = false;

  return async (key: string, hashedId: string): Promise<string | undefined> => {
    if (!isListening) {
      isListening = true;
      backend.subscribe(trust);
    }
    const value = trust.mayRead() ? await get(key) : undefined;
    // A revocation may have arrived during the read.
    return value !== undefined && trust.mayRead() && !trust.wasRevoked(hashedId) ? value : backend.get(key);
  };
}

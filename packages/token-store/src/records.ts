import type { Backend, Condition, StoredRecord, Write } from './backend.ts';
import type { Records, UnitOfWork } from './contract.ts';
import {
  type Content,
  createRecordWriter,
  type Envelope,
  type RecordContext,
  type TokenStoreOptions,
  throwIfFailed,
} from './record_writer.ts';
import { destroyedRecord, REWRITTEN_KINDS, refusal, revokeUnderGrants } from './revocation.ts';
import { unseal } from './seal.ts';
import { recordKey } from './shared_answers.ts';
import { tokenKey } from './token_key.ts';

/** The records of one kind. */
export function createRecords(context: RecordContext): Records {
  const { kind, backend, options } = context;
  const { part = '', now, anonymous } = options;
  const { open, find, findByAlias } = createRecordReader(context);

  async function destroy(id: string) {
    const found = await open(id);
    // The record that names an alias goes last, so that a second attempt still finds the alias.
    const aliases = found && 'alias' in found ? [tokenKey(found.alias)] : [];
    const hashedIds = [...aliases, tokenKey(id)];
    const batch = hashedIds.flatMap((hashed) => destroyedRecord(kind, hashed));
    if (REWRITTEN_KINDS.has(kind) && (await hasUser(found))) batch.push(refusal(kind, tokenKey(id), String(now())));
    await backend.write(batch);
    for (const hashed of hashedIds) anonymous.release(kind, part + recordKey(kind, hashed));
  }

  /** Whether a user has signed in. A record without a user may be written again: it gives no access, and anyone can create many. */
  async function hasUser(found: Content | undefined): Promise<boolean> {
    if (found === undefined) return true; // Not known: assume so.
    const payload = 'alias' in found ? await findByAlias(found.alias) : found.payload;
    return payload === undefined || payload.accountId !== undefined;
  }

  return {
    ...createRecordWriter(context),
    find,
    has: async (hashedId) => (await backend.getRecord(recordKey(kind, hashedId))) !== undefined,
    findByUid: findByAlias,
    findByUserCode: findByAlias,
    async consume(id) {
      const at = Math.floor(now() / 1000);
      return (await backend.write([], [{ type: 'notConsumed', key: recordKey(kind, tokenKey(id)), at }])) === undefined;
    },
    destroy,
    async revokeByGrantId(grantId) {
      await revokeUnderGrants(backend, { kind, hashedGrantIds: [tokenKey(grantId)], value: String(now()) });
    },
  };
}

function createRecordReader({ kind, secret, backend, options: { part = '', now } }: RecordContext) {
  async function open(id: string): Promise<(Envelope & Pick<StoredRecord, 'consumed'>) | undefined> {
    const key = recordKey(kind, tokenKey(id));
    const stored = await backend.getRecord(key);
    const text = stored && unseal({ clientHeld: id, servers: secret }, part + key, stored.value);
    if (stored === undefined || text === undefined) return undefined;
    const envelope = JSON.parse(text) as Envelope;
    if (envelope.expiresAt <= now()) return undefined;
    return stored.consumed === undefined ? envelope : { ...envelope, consumed: stored.consumed };
  }

  /** Finds a payload by its alias. It comes without the id: a caller that knows the alias does not hold the credential. */
  async function findByAlias(alias: string) {
    const found = await open(alias);
    return found && 'payload' in found && found.isAliased ? found.payload : undefined;
  }

  async function find(id: string) {
    const found = await open(id);
    if (found === undefined || ('payload' in found && found.isAliased)) return undefined;
    const payload = 'alias' in found ? await findByAlias(found.alias) : found.payload;
    if (payload === undefined) return undefined;
    return { ...payload, jti: id, ...(found.consumed === undefined ? undefined : { consumed: found.consumed }) };
  }

  return { open, find, findByAlias };
}

/** Begins a unit of work: its records collect their writes, and `commit` writes them in one batch. */
export function beginUnitOfWork(secret: string, backend: Backend, options: TokenStoreOptions): UnitOfWork {
  const collected: Write[] = [];
  const conditions: Condition[] = [];
  const collecting: Backend = {
    ...backend,
    async write(batch, batchConditions = []) {
      collected.push(...batch);
      conditions.push(...batchConditions);
      return undefined;
    },
  };
  return {
    records: (kind) => createRecords({ kind, secret, backend: collecting, options }),
    async commit() {
      if (collected.length > 0 || conditions.length > 0) throwIfFailed(await backend.write(collected, conditions));
    },
  };
}

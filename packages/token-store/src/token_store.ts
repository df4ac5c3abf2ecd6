import { type AnonymousBudgets, anonymousRecord, type PutRecord, type WrittenRecord } from './anonymous_budgets.ts';
import {
  type Backend,
  CLEARED,
  type Condition,
  changeOf,
  isTokenKey,
  type StoredRecord,
  type Write,
} from './backend.ts';
import type { RecordPayload, Records, RevocationListener, TokenStore, UnitOfWork } from './contract.ts';
import { destroyedRecord, refusedKey, WRITTEN_AGAIN } from './destroyed_record.ts';
import { AlreadyConsumedError, GrantRevokedError, WrongSecretError } from './errors.ts';
import {
  issuedUnderGrant,
  REVOCATION_REMEMBERED,
  revokedUnderGrant,
  revokeUnderGrants,
} from './issued_under_grants.ts';
import { createOwners, isOwnerMark, type Listing, listingsByOwner } from './owners.ts';
import { isKeptKey, isOwnKey, partitionOf, partPrefix } from './partition.ts';
import { seal, unseal } from './seal.ts';
import { createSharedAnswers, recordKey } from './shared_answers.ts';
import { createSharedValues } from './shared_values.ts';
import { createSplitEntries, splitEntryKey } from './split_entries.ts';
import { tokenKey } from './token_key.ts';

export interface TokenStoreOptions {
  /** Encrypts split entries too; records are always encrypted. */
  readonly seal: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** What those who did not sign in may take up, in all parts of the store together. */
  readonly anonymous: AnonymousBudgets;
  /**
   * Which part of the store it is: what begins the keys of the part. What is sealed in one does not open in another.
   * Default: the whole.
   */
  readonly part?: string;
}

/**
 * What a sealed record says: its payload, or under which other name (a session's uid, a user code) the payload lies. A payload
 * under such a name says so, as nobody may use the name in place of the id: it is no secret.
 */
type Content = { readonly payload: RecordPayload; readonly isAliased?: true } | { readonly alias: string };

/** Whoever can write to the store can let a record live longer there, but cannot change when it says that it expires. */
type Envelope = Content & { /** Epoch milliseconds. */ readonly expiresAt: number };

/**
 * The token store over any backend. The layout, where `<key>` is a token key and the braces are a cluster hash tag:
 *
 * ```
 * {<key of id>}:<kind>                a record, sealed under its id and the servers' secret
 * {<key of access token>}:signing-input   a split entry: the signing input, sealed under the token unless others are to read it
 * {<key of access token>}:answer      what the authorization server said of the token, sealed under it; gateways share it
 * {<key of grant id>}:<kind>:issued   the token keys of the records issued under a grant
 * {<key of grant id>}:<kind>:revoked  when the grant was revoked, in epoch milliseconds
 * {<key of owner>}:<client or user>:issued    kind and token key of the records of a client or a user
 * {<key of owner>}:<client or user>:revoked   when they were revoked
 * {<key of id>}:<kind>:refused        when a session was destroyed; in a Redis Cluster, when any one record was revoked
 * {<key of name>}:list               what was added to a list, each sealed under the processes' secret
 * {<key of name>}:used               a name that was used up, such as the `jti` of a DPoP proof
 * {<key of name>}:shared             what processes hand to each other for a while, sealed under its name and their secret
 * kept:<name>                         a value that all processes share, sealed under their secret
 * tenant:<name>:…                     the same again, for a part of the store
 * ```
 */
export function createTokenStore(backend: Backend, options: TokenStoreOptions): TokenStore {
  const { part = '' } = options;
  // The feed is that of all parts.
  const changeOfKept = changeOf(`${part}${keptKey('')}`);
  return {
    records: (kind, secret) => createRecords(kind, secret, backend, options),
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
          else if (message.startsWith(changeOfKept)) listener.keptChanged?.(message.slice(changeOfKept.length));
        },
        connected: () => listener.connected(),
        disconnected: () => listener.disconnected(),
        checked: (milliseconds) => listener.checked?.(milliseconds),
      }),
    ...createKept(backend),
    partition(name) {
      const prefix = partPrefix(name);
      return createTokenStore(partitionOf(backend, prefix), { ...options, part: part + prefix });
    },
    async clear() {
      await backend.clear((key) => isOwnKey(key) && !isKeptKey(key) && !isOwnerMark(key));
      await backend.write([{ do: 'publish', message: CLEARED }]);
    },
    async addToList(name, value, expiresIn, secret) {
      const key = listKey(name);
      await backend.write([{ do: 'addMember', key, member: seal(secret, part + key, value), expiresIn }]);
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

/** Values that all processes on the store share, sealed under their secret. */
function createKept(backend: Backend): Pick<TokenStore, 'keepFirst' | 'changeKept' | 'readKept'> {
  function open(name: string, secret: string, sealed: string): string {
    const value = unseal(secret, keptKey(name), sealed);
    if (value === undefined) throw new WrongSecretError(`"${name}" is kept in the store under another secret`);
    return value;
  }

  async function changeKept(name: string, secret: string, change: (value: string) => string): Promise<string> {
    const sealed = await backend.get(keptKey(name));
    if (sealed === undefined) throw new WrongSecretError(`"${name}" is not kept in the store`);
    const value = change(open(name, secret, sealed));
    const replaced = await backend.replaceKept(keptKey(name), sealed, seal(secret, keptKey(name), value));
    return replaced ? value : changeKept(name, secret, change);
  }

  return {
    changeKept,
    async keepFirst(name, value, secret) {
      return open(name, secret, await backend.keepFirst(keptKey(name), seal(secret, keptKey(name), value)));
    },
    async readKept(name, secret) {
      const sealed = await backend.get(keptKey(name));
      return sealed === undefined ? undefined : open(name, secret, sealed);
    },
  };
}

/** What is written for a record, and what must hold. */
interface Plan extends WrittenRecord {
  readonly batch: Write[];
  readonly conditions: Condition[];
}

function createRecords(kind: string, secret: string, backend: Backend, options: TokenStoreOptions): Records {
  const { part = '' } = options;
  const inSteps = backend.writesAtOnce !== 'everything';

  /** What is written for a record. @param step that the record comes to, if it is one with steps */
  function plan(
    id: string,
    payload: RecordPayload,
    expiresIn: number,
    requestedAt = options.now(),
    step?: number,
  ): Plan {
    const { jti: _id, signingInput, ...body } = payload;
    const hashedId = tokenKey(id);
    const alias = stringOf(body.uid) ?? stringOf(body.userCode);
    const aliased = alias === undefined ? undefined : putSealed(alias, { payload: body, isAliased: true }, expiresIn);
    const named = putSealed(id, alias === undefined ? { payload: body } : { alias }, expiresIn);
    const record = aliased ?? named;
    const batch: Write[] = [named];
    // First what is led to, then what leads to it; but of what may be refused by its id, that first.
    if (aliased && WRITTEN_AGAIN.has(kind)) batch.push(aliased);
    else if (aliased) batch.unshift(aliased);
    if (typeof signingInput === 'string') {
      const key = splitEntryKey(hashedId);
      batch.push({ do: 'put', key, value: options.seal ? seal(id, key, signingInput) : signingInput, expiresIn });
    }
    const hashedIds = alias === undefined ? [hashedId] : [hashedId, tokenKey(alias)];
    const listings = [...listingsByGrant(body), ...listingsByOwner(kind, body)];
    const conditions: Condition[] = [];
    if (step !== undefined) conditions.push({ if: 'advances', key: record.key, step });
    for (const { issued, revoked, memberFor } of listings) {
      for (const each of hashedIds) batch.push({ do: 'addMember', key: issued, member: memberFor(each), expiresIn });
      conditions.push({ if: 'below', key: revoked, than: requestedAt });
    }
    // Where the list and the record are not written at once, a revocation of what the list names may come before the record.
    const maybeRefused = inSteps && listings.length > 0 ? hashedIds : WRITTEN_AGAIN.has(kind) ? [hashedId] : [];
    for (const each of maybeRefused) conditions.push({ if: 'below', key: refusedKey(kind, each), than: requestedAt });
    return { record, batch, conditions };
  }

  async function upsert(id: string, payload: RecordPayload, expiresIn: number, requestedAt?: number) {
    if (expiresIn <= 0) return;
    const { record, batch, conditions } = plan(id, payload, expiresIn, requestedAt);
    throwIfNot(await backend.write(batch, conditions));
    options.anonymous.release(kind, part + record.key);
  }

  async function upsertAnonymous(id: string, payload: RecordPayload, expiresIn: number, requestedAt?: number) {
    if (expiresIn <= 0) return;
    const planned = plan(id, payload, expiresIn, requestedAt);
    throwIfNot(await backend.write(planned.batch, planned.conditions));
    const expiresAt = options.now() + expiresIn * 1000;
    await options.anonymous.hold(kind, part + planned.record.key, anonymousRecord(planned, { backend, expiresAt }));
  }

  async function advance(id: string, payload: RecordPayload, expiresIn: number, step: number, requestedAt?: number) {
    if (expiresIn <= 0) return false;
    const { record, batch, conditions } = plan(id, payload, expiresIn, requestedAt, step);
    const failed = await backend.write(batch, conditions);
    throwIfNot(failed);
    if (failed === undefined) options.anonymous.release(kind, part + record.key);
    return failed === undefined;
  }

  function listingsByGrant(payload: RecordPayload): Listing[] {
    const grantId = stringOf(payload.grantId) ?? stringOf(payload.subjectGrantId);
    if (grantId === undefined) return [];
    const hashed = tokenKey(grantId);
    const lists = { issued: issuedUnderGrant(kind, hashed), revoked: revokedUnderGrant(kind, hashed) };
    return [{ ...lists, memberFor: (member) => member }];
  }

  function putSealed(id: string, content: Content, expiresIn: number): PutRecord {
    const key = recordKey(kind, tokenKey(id));
    const envelope: Envelope = { ...content, expiresAt: options.now() + expiresIn * 1000 };
    const value = seal({ clientHeld: id, servers: secret }, part + key, JSON.stringify(envelope));
    return { do: 'putRecord', key, value, expiresIn };
  }

  async function open(id: string): Promise<(Envelope & Pick<StoredRecord, 'consumed'>) | undefined> {
    const key = recordKey(kind, tokenKey(id));
    const stored = await backend.getRecord(key);
    const text = stored && unseal({ clientHeld: id, servers: secret }, part + key, stored.value);
    if (stored === undefined || text === undefined) return undefined;
    const envelope = JSON.parse(text) as Envelope;
    if (envelope.expiresAt <= options.now()) return undefined;
    return stored.consumed === undefined ? envelope : { ...envelope, consumed: stored.consumed };
  }

  /** Finds by an alias. The payload comes without the id: who knows the alias does not hold the credential. */
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

  async function destroy(id: string) {
    const found = await open(id);
    // What leads to another goes last, so that the other can still be found when destroying is tried again.
    const others = found && 'alias' in found ? [tokenKey(found.alias)] : [];
    const hashedIds = [...others, tokenKey(id)];
    const batch = hashedIds.flatMap((hashed) => destroyedRecord(kind, hashed));
    if (WRITTEN_AGAIN.has(kind) && (await hasUser(found))) batch.push(refusal(tokenKey(id), String(options.now())));
    await backend.write(batch);
    for (const hashed of hashedIds) options.anonymous.release(kind, part + recordKey(kind, hashed));
  }

  /** Whether somebody has signed in to it. If not, it may come back: it opens nothing, and anybody can make many of them. */
  async function hasUser(found: Content | undefined): Promise<boolean> {
    if (found === undefined) return true; // As far as is known.
    const payload = 'alias' in found ? await findByAlias(found.alias) : found.payload;
    return payload === undefined || payload.accountId !== undefined;
  }

  function refusal(hashedId: string, value: string): Write {
    return { do: 'put', key: refusedKey(kind, hashedId), value, expiresIn: REVOCATION_REMEMBERED, isVital: true };
  }

  async function revokeByGrantId(grantId: string) {
    await revokeUnderGrants(backend, { kind, hashedGrantIds: [tokenKey(grantId)], value: String(options.now()) });
  }

  return {
    upsert,
    upsertAnonymous,
    advance,
    find,
    has: async (hashedId) => (await backend.getRecord(recordKey(kind, hashedId))) !== undefined,
    findByUid: findByAlias,
    findByUserCode: findByAlias,
    async consume(id) {
      const at = Math.floor(options.now() / 1000);
      return (await backend.write([], [{ if: 'consumable', key: recordKey(kind, tokenKey(id)), at }])) === undefined;
    },
    destroy,
    revokeByGrantId,
  };
}

/** Records over a backend that only collects what it is to write. */
function beginUnitOfWork(secret: string, backend: Backend, options: TokenStoreOptions): UnitOfWork {
  const collected: Write[] = [];
  const conditions: Condition[] = [];
  const collecting: Backend = {
    ...backend,
    async write(batch, alsoConditions = []) {
      collected.push(...batch);
      conditions.push(...alsoConditions);
      return undefined;
    },
  };
  return {
    records: (kind) => createRecords(kind, secret, collecting, options),
    async commit() {
      if (collected.length > 0 || conditions.length > 0) throwIfNot(await backend.write(collected, conditions));
    },
  };
}

/** @param failed the condition that did not hold */
function throwIfNot(failed: Condition | undefined): void {
  if (failed?.if === 'consumable') throw new AlreadyConsumedError('a record was consumed meanwhile');
  if (failed?.if === 'below') throw new GrantRevokedError('what a record was written for was revoked meanwhile');
}

function keptKey(name: string): string {
  return `kept:${name}`;
}

function listKey(name: string): string {
  return `{${tokenKey(name)}}:list`;
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

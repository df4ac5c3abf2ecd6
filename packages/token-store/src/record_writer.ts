import { type AnonymousBudgets, anonymousRecord, type PutRecord, type WrittenRecord } from './anonymous_budgets.ts';
import type { Backend, Condition, Write } from './backend.ts';
import type { RecordPayload, Records } from './contract.ts';
import { AlreadyConsumedError, GrantRevokedError } from './errors.ts';
import { type IssuedList, listsOfOwners } from './owners.ts';
import { issuedUnderGrant, REWRITTEN_KINDS, refusedKey, revokedUnderGrant } from './revocation.ts';
import { seal } from './seal.ts';
import { recordKey } from './shared_answers.ts';
import { splitEntryKey } from './split_entries.ts';
import { tokenKey } from './token_key.ts';

export interface TokenStoreOptions {
  /** Whether split entries are encrypted too. Records are always encrypted. */
  readonly seal: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Limits for anonymous records in all partitions together. */
  readonly anonymous: AnonymousBudgets;
  /** Key prefix of the partition. A value that was sealed in one partition does not open in another. Default: none. */
  readonly part?: string;
}

/** The records of one kind in one store. */
export interface RecordContext {
  readonly kind: string;
  /** Secret of the authorization servers. */
  readonly secret: string;
  readonly backend: Backend;
  readonly options: TokenStoreOptions;
}

/**
 * The content of a sealed record: its payload, or the alias (a session's `uid`, a user code) under which the payload is stored. A
 * payload under an alias is marked: the alias is not a secret, so it must not work as an id.
 */
export type Content = { readonly payload: RecordPayload; readonly isAliased?: true } | { readonly alias: string };

/** The expiry is sealed too: anyone who can write to the store could extend the life of the key, but not this value. */
export type Envelope = Content & { /** Epoch milliseconds. */ readonly expiresAt: number };

interface RecordToWrite {
  readonly id: string;
  readonly payload: RecordPayload;
  /** Seconds. */
  readonly expiresIn: number;
  /** Epoch milliseconds. */
  readonly requestedAt?: number | undefined;
  /** The step that the record reaches, if it has steps. */
  readonly step?: number;
}

/** All writes of one record, and their conditions. */
interface Plan extends WrittenRecord {
  readonly batch: Write[];
  readonly conditions: Condition[];
}

/** Writes the records of one kind. */
export function createRecordWriter(context: RecordContext): Pick<Records, 'upsert' | 'upsertAnonymous' | 'advance'> {
  const { kind, backend, options } = context;
  const { part = '', now, anonymous } = options;
  return {
    async upsert(id, payload, expiresIn, requestedAt) {
      if (expiresIn <= 0) return;
      const { record, batch, conditions } = planWrites(context, { id, payload, expiresIn, requestedAt });
      throwIfFailed(await backend.write(batch, conditions));
      anonymous.release(kind, part + record.key);
    },
    async upsertAnonymous(id, payload, expiresIn, requestedAt) {
      if (expiresIn <= 0) return;
      const plan = planWrites(context, { id, payload, expiresIn, requestedAt });
      throwIfFailed(await backend.write(plan.batch, plan.conditions));
      const expiresAt = now() + expiresIn * 1000;
      await anonymous.hold(kind, part + plan.record.key, anonymousRecord(plan, { backend, expiresAt }));
    },
    async advance(id, payload, expiresIn, step, requestedAt) {
      if (expiresIn <= 0) return false;
      const { record, batch, conditions } = planWrites(context, { id, payload, expiresIn, requestedAt, step });
      const failed = await backend.write(batch, conditions);
      throwIfFailed(failed);
      if (failed === undefined) anonymous.release(kind, part + record.key);
      return failed === undefined;
    },
  };
}

/** @param failed the condition that was not met */
export function throwIfFailed(failed: Condition | undefined): void {
  if (failed?.type === 'notConsumed') throw new AlreadyConsumedError('another request has consumed the record');
  if (failed?.type === 'below') throw new GrantRevokedError('the grant, its client or its user was revoked meanwhile');
}

function planWrites(
  context: RecordContext,
  { id, payload, expiresIn, requestedAt = context.options.now(), step }: RecordToWrite,
): Plan {
  const { kind, backend } = context;
  const { jti: _id, signingInput, ...body } = payload;
  const alias = stringOf(body.uid) ?? stringOf(body.userCode);
  const hashedIds = alias === undefined ? [tokenKey(id)] : [tokenKey(id), tokenKey(alias)];
  const { record, batch } = recordWrites(context, { id, alias, body, expiresIn });
  if (typeof signingInput === 'string') batch.push(splitEntryWrite(context, { id, signingInput, expiresIn }));
  const lists = [...listsOfGrant(kind, body), ...listsOfOwners(kind, body)];
  const conditions: Condition[] = [];
  if (step !== undefined) conditions.push({ type: 'stepBelow', key: record.key, step });
  for (const { issued, revoked, memberFor } of lists) {
    for (const hashed of hashedIds)
      batch.push({ type: 'addMember', key: issued, member: memberFor(hashed), expiresIn });
    conditions.push({ type: 'below', key: revoked, limit: requestedAt });
  }
  // If list and record are not written in one step, a revocation of the list's members may come before the record.
  const inSteps = backend.atomicWrites !== 'all keys' && lists.length > 0;
  const refusable = inSteps ? hashedIds : REWRITTEN_KINDS.has(kind) ? hashedIds.slice(0, 1) : [];
  for (const hashed of refusable) conditions.push({ type: 'below', key: refusedKey(kind, hashed), limit: requestedAt });
  return { record, batch, conditions };
}

/** The write of the payload, and all writes in their order: the payload under an alias comes before the record that names the alias. */
function recordWrites(
  context: RecordContext,
  { id, alias, body, expiresIn }: { id: string; alias: string | undefined; body: RecordPayload; expiresIn: number },
): { record: PutRecord; batch: Write[] } {
  if (alias === undefined) {
    const record = sealedRecord(context, id, { payload: body }, expiresIn);
    return { record, batch: [record] };
  }
  const named = sealedRecord(context, id, { alias }, expiresIn);
  const record = sealedRecord(context, alias, { payload: body, isAliased: true }, expiresIn);
  // A kind that can be refused by its id is the exception: its id comes first.
  return { record, batch: REWRITTEN_KINDS.has(context.kind) ? [named, record] : [record, named] };
}

function sealedRecord(
  { kind, secret, options: { part = '', now } }: RecordContext,
  id: string,
  content: Content,
  expiresIn: number,
): PutRecord {
  const key = recordKey(kind, tokenKey(id));
  const envelope: Envelope = { ...content, expiresAt: now() + expiresIn * 1000 };
  const value = seal({ clientHeld: id, servers: secret }, part + key, JSON.stringify(envelope));
  return { type: 'putRecord', key, value, expiresIn };
}

function splitEntryWrite(
  { options }: RecordContext,
  { id, signingInput, expiresIn }: { id: string; signingInput: string; expiresIn: number },
): Write {
  const key = splitEntryKey(tokenKey(id));
  return { type: 'put', key, value: options.seal ? seal(id, key, signingInput) : signingInput, expiresIn };
}

/** The list of the record's grant. */
function listsOfGrant(kind: string, payload: RecordPayload): IssuedList[] {
  const grantId = stringOf(payload.grantId) ?? stringOf(payload.subjectGrantId);
  if (grantId === undefined) return [];
  const hashed = tokenKey(grantId);
  const memberFor = (hashedId: string) => hashedId;
  return [{ issued: issuedUnderGrant(kind, hashed), revoked: revokedUnderGrant(kind, hashed), memberFor }];
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

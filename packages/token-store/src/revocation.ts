import type { Backend, Write } from './backend.ts';
import { ACCESS_TOKENS, answerKey, recordKey } from './shared_answers.ts';
import { splitEntryKey } from './split_entries.ts';

/** Kinds of record that requests read and write again. A destroyed record of these kinds must not come back. */
export const REWRITTEN_KINDS: ReadonlySet<string> = new Set(['Session']);

/** Seconds for which a revocation refuses the writes of requests that began before it. No request takes this long. */
export const REVOCATION_REMEMBERED = 300;

/** The key that notes when a record was destroyed, for concurrent writes of it; in a Redis Cluster, also when it was revoked. */
export function refusedKey(kind: string, hashedId: string): string {
  return `{${hashedId}}:${kind}:refused`;
}

/** The key of the list of records that were issued under a grant. @param hashedGrantId token key of the grant's id */
export function issuedUnderGrant(kind: string, hashedGrantId: string): string {
  return `{${hashedGrantId}}:${kind}:issued`;
}

/** The key that notes when the records of a grant were revoked. */
export function revokedUnderGrant(kind: string, hashedGrantId: string): string {
  return `{${hashedGrantId}}:${kind}:revoked`;
}

/** Refuses concurrent writes of a record. @param value time of the revocation in epoch milliseconds */
export function refusal(kind: string, hashedId: string, value: string): Write {
  return revocationNote(refusedKey(kind, hashedId), value);
}

function revocationNote(key: string, value: string): Write {
  return { type: 'put', key, value, expiresIn: REVOCATION_REMEMBERED, isVital: true };
}

/** Writes that delete a record and what is stored with it, and, for an access token, publish its revocation. */
export function destroyedRecord(kind: string, hashedId: string): Write[] {
  const record: Write = { type: 'delete', key: recordKey(kind, hashedId) };
  if (!ACCESS_TOKENS.some((known) => known === kind)) return [record];
  const keys = [splitEntryKey(hashedId), answerKey(hashedId)];
  return [record, ...keys.map((key) => ({ type: 'delete', key }) as const), { type: 'publish', message: hashedId }];
}

/**
 * Destroys the records of one kind that were issued under grants, and refuses the writes of concurrent requests.
 *
 * @param revocation.value time of the revocation in epoch milliseconds
 */
export async function revokeUnderGrants(
  backend: Backend,
  { kind, hashedGrantIds, value }: { kind: string; hashedGrantIds: readonly string[]; value: string },
): Promise<void> {
  // Refuse first, then read the lists: a record that is not in a list yet will be refused.
  await backend.write(hashedGrantIds.map((hashed) => revocationNote(revokedUnderGrant(kind, hashed), value)));
  const keys = hashedGrantIds.map((hashed) => issuedUnderGrant(kind, hashed));
  const lists = await Promise.all(keys.map(async (key) => ({ key, members: await backend.members(key) })));
  const members = lists.flatMap((list) => list.members);
  const batch = members.flatMap((member) => destroyedRecord(kind, member));
  if (backend.atomicWrites !== 'all keys') for (const member of members) batch.push(refusal(kind, member, value));
  // Only these members: a request that began after the revocation may have added others.
  for (const list of lists) if (list.members.length > 0) batch.push({ type: 'removeMembers', ...list });
  await backend.write(batch);
}

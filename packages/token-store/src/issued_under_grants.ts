import type { Backend, Write } from './backend.ts';
import { destroyedRecord, refusedKey } from './destroyed_record.ts';

/** Seconds for which what was revoked refuses writes of requests that began before: longer than any request lives. */
export const REVOCATION_REMEMBERED = 300;

/** Where the token keys of the records are that were issued under a grant. @param hashedGrantId token key of the grant's id */
export function issuedUnderGrant(kind: string, hashedGrantId: string): string {
  return `{${hashedGrantId}}:${kind}:issued`;
}

/** Where it is noted when what was issued under a grant was revoked. */
export function revokedUnderGrant(kind: string, hashedGrantId: string): string {
  return `{${hashedGrantId}}:${kind}:revoked`;
}

/**
 * Destroys the records of one kind that were issued under grants, and lets no request that is under way write another.
 *
 * @param revocation.value when, in epoch milliseconds
 */
export async function revokeUnderGrants(
  backend: Backend,
  { kind, hashedGrantIds, value }: { kind: string; hashedGrantIds: readonly string[]; value: string },
): Promise<void> {
  const note = (key: string): Write => ({ do: 'put', key, value, expiresIn: REVOCATION_REMEMBERED, isVital: true });
  // First refuse what is under way, then collect: whatever is not in the collection yet will meet the refusal.
  await backend.write(hashedGrantIds.map((hashed) => note(revokedUnderGrant(kind, hashed))));
  const keys = hashedGrantIds.map((hashed) => issuedUnderGrant(kind, hashed));
  const lists = await Promise.all(keys.map(async (key) => ({ key, members: await backend.members(key) })));
  const members = lists.flatMap((list) => list.members);
  const batch = members.flatMap((member) => destroyedRecord(kind, member));
  if (backend.writesAtOnce !== 'everything') for (const member of members) batch.push(note(refusedKey(kind, member)));
  // Only those: a request that began after the revocation may have added another meanwhile.
  for (const list of lists) if (list.members.length > 0) batch.push({ do: 'removeMembers', ...list });
  await backend.write(batch);
}

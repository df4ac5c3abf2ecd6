import { setTimeout as wait } from 'node:timers/promises';
import { type Backend, PERMANENT, type Write } from './backend.ts';
import type { RecordOwner, RecordPayload, TokenStore } from './contract.ts';
import { destroyedRecord, REVOCATION_REMEMBERED, refusedKey, revokeUnderGrants } from './revocation.ts';
import { tokenKey } from './token_key.ts';

/** A list of issued records, and the time of its revocation. */
export interface IssuedList {
  /** Key of the list. */
  readonly issued: string;
  /** Key of the time. A record whose request began before it is not written. */
  readonly revoked: string;
  /** The list member for a record. */
  memberFor(hashedId: string): string;
}

/** Seconds for which the revocation of an owner is remembered. No JWT without a record lives longer. */
const OWNER_REMEMBERED = 365 * 24 * 60 * 60;

/** Number of records that one write destroys. */
const DESTROY_BATCH = 500;

/** Prefix of the list members that name a grant. */
const GRANT = 'Grant:';

/** Two milliseconds, because a timer may fire up to one too early. */
const NEXT_MILLISECOND = 2;

/** Whether a key holds the time at which an owner was revoked. */
export function isOwnerMark(key: string): boolean {
  return /:(client|user):revoked$/.test(key);
}

/** The lists of a record's client and user. */
export function listsOfOwners(kind: string, payload: RecordPayload): IssuedList[] {
  const memberFor = (hashedId: string) => `${kind}:${hashedId}`;
  return ownersOf(payload).map((owner) => ({ ...keysOf(owner), memberFor }));
}

function ownersOf({ clientId, accountId, subjectClientId }: RecordPayload): RecordOwner[] {
  const owners: RecordOwner[] = [];
  if (typeof clientId === 'string') owners.push({ client: clientId });
  if (typeof subjectClientId === 'string') owners.push({ client: subjectClientId });
  else if (typeof accountId === 'string') owners.push({ user: accountId });
  return owners;
}

function keysOf(owner: RecordOwner) {
  const [kind, name] = 'client' in owner ? ['client', owner.client] : ['user', owner.user];
  const prefix = `{${tokenKey(name)}}:${kind}`;
  return { issued: `${prefix}:issued`, revoked: `${prefix}:revoked` };
}

/** Revokes everything that was issued to a client or a user, over any backend. */
export function createOwners(
  backend: Backend,
  { now }: { readonly now: () => number },
): Pick<TokenStore, 'revokeOwner' | 'isRevokedSince'> {
  function destruction(member: string, value: string): Write[] {
    const [kind = '', hashedId = ''] = member.split(':');
    const destroyed = destroyedRecord(kind, hashedId);
    if (backend.atomicWrites === 'all keys') return destroyed;
    const refused = { type: 'put', key: refusedKey(kind, hashedId), value, expiresIn: REVOCATION_REMEMBERED } as const;
    return [...destroyed, refused];
  }

  /** Revokes tokens that other clients got by token exchange under the owner's grants. They are in the lists of those clients. */
  async function revokeExchanged(members: readonly string[], value: string): Promise<void> {
    const grants = members.filter((member) => member.startsWith(GRANT));
    const hashedGrantIds = grants.map((member) => member.slice(GRANT.length));
    await revokeUnderGrants(backend, { kind: 'AccessToken', hashedGrantIds, value });
  }

  return {
    async revokeOwner(owner, { permanently = false } = {}) {
      const { issued, revoked } = keysOf(owner);
      const value = String(permanently ? PERMANENT : now());
      // If the name is never used again, only concurrent requests must be refused.
      const expiresIn = permanently ? REVOCATION_REMEMBERED : OWNER_REMEMBERED;
      // Refuse first, then read the list: a record that is not in the list yet will be refused.
      await backend.write([{ type: 'put', key: revoked, value, expiresIn, isVital: true }]);
      const members = await backend.members(issued);
      for (let from = 0; from < members.length; from += DESTROY_BATCH) {
        const some = members.slice(from, from + DESTROY_BATCH);
        await revokeExchanged(some, String(now()));
        const destroyed = some.flatMap((member) => destruction(member, value));
        await backend.write([...destroyed, { type: 'removeMembers', key: issued, members: some }]);
      }
      // A request of the same millisecond counts as earlier, so the caller must not be able to start one.
      if (!permanently) await wait(NEXT_MILLISECOND);
    },
    async isRevokedSince(owners, issuedAt) {
      const conditions = owners.map(
        (owner) => ({ type: 'below', key: keysOf(owner).revoked, limit: issuedAt }) as const,
      );
      return (await backend.write([], conditions)) !== undefined;
    },
  };
}

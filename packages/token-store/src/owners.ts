import { setTimeout as wait } from 'node:timers/promises';
import { type Backend, FOR_GOOD, type Write } from './backend.ts';
import type { RecordOwner, RecordPayload, TokenStore } from './contract.ts';
import { destroyedRecord, refusedKey } from './destroyed_record.ts';
import { REVOCATION_REMEMBERED, revokeUnderGrants } from './issued_under_grants.ts';
import { tokenKey } from './token_key.ts';

/** A list in which a record is named, and the time that decides whether it may be written. */
export interface Listing {
  readonly issued: string;
  readonly revoked: string;
  /** What names the record in the list. */
  memberFor(hashedId: string): string;
}

/** Seconds for which it is remembered when an owner was revoked: longer than a JWT that has no record lives. */
const OWNER_REMEMBERED = 365 * 24 * 60 * 60;

/** How many records are destroyed in one write. */
const DESTROYED_AT_ONCE = 500;

/** What the members of such a list begin with that name a grant. */
const GRANT = 'Grant:';

/** More than one, since timers may be early by a part of it. */
const MILLISECOND = 2;

/** Whether it is kept under this key when an owner was revoked. */
export function isOwnerMark(key: string): boolean {
  return /:(client|user):revoked$/.test(key);
}

/** The lists of its owners that a record is named in. */
export function listingsByOwner(kind: string, payload: RecordPayload): Listing[] {
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

/** The revocation of all that a client or a user was issued, over any backend. */
export function createOwners(
  backend: Backend,
  { now }: { readonly now: () => number },
): Pick<TokenStore, 'revokeOwner' | 'isRevokedSince'> {
  function destruction(member: string, value: string): Write[] {
    const [kind = '', hashedId = ''] = member.split(':');
    const destroyed = destroyedRecord(kind, hashedId);
    if (backend.writesAtOnce === 'everything') return destroyed;
    const refused = { do: 'put', key: refusedKey(kind, hashedId), value, expiresIn: REVOCATION_REMEMBERED } as const;
    return [...destroyed, refused];
  }

  /** What other clients got by token exchange under the grants of the owner: it is in the lists of those clients. */
  async function revokeExchanged(members: readonly string[], value: string): Promise<void> {
    const grants = members.filter((member) => member.startsWith(GRANT));
    const hashedGrantIds = grants.map((member) => member.slice(GRANT.length));
    await revokeUnderGrants(backend, { kind: 'AccessToken', hashedGrantIds, value });
  }

  return {
    async revokeOwner(owner, { forGood = false } = {}) {
      const { issued, revoked } = keysOf(owner);
      const value = String(forGood ? FOR_GOOD : now());
      // A name that never comes again needs no memory longer than the requests that are under way.
      const expiresIn = forGood ? REVOCATION_REMEMBERED : OWNER_REMEMBERED;
      // First refuse what is under way, then collect: whatever is not in the collection yet will meet the refusal.
      await backend.write([{ do: 'put', key: revoked, value, expiresIn, isVital: true }]);
      const members = await backend.members(issued);
      for (let from = 0; from < members.length; from += DESTROYED_AT_ONCE) {
        const some = members.slice(from, from + DESTROYED_AT_ONCE);
        await revokeExchanged(some, String(now()));
        const destroyed = some.flatMap((member) => destruction(member, value));
        await backend.write([...destroyed, { do: 'removeMembers', key: issued, members: some }]);
      }
      // A request that begins in the same millisecond counts as one from before: whoever was told must not make one.
      if (!forGood) await wait(MILLISECOND);
    },
    async isRevokedSince(owners, issuedAt) {
      const conditions = owners.map((owner) => ({ if: 'below', key: keysOf(owner).revoked, than: issuedAt }) as const);
      return (await backend.write([], conditions)) !== undefined;
    },
  };
}

import type { JWK } from 'jose';

/** A private key, and when it begins to sign. All times are epoch milliseconds. */
export interface ScheduledKey {
  readonly kid: string;
  readonly jwk: JWK;
  readonly announcedAt: number;
  readonly signsFrom: number;
  /** Milliseconds that the longest-lived token lives which it may sign. */
  readonly longestLife: number;
  /** The last moment at which a token that this key signed may still be valid; known once another key takes over. */
  readonly publishedUntil?: number;
}

/** The keys of an issuer for one algorithm, the newest last. What each of them does follows from the clock alone. */
export type KeySchedule = readonly ScheduledKey[];

export type KeyStatus = 'announced' | 'signing' | 'retired';

/** Milliseconds by which authorization servers on one store may be late to take a change up, and clocks may differ. */
const TOLERANCE = 10_000;

/** The key that signs now: of those whose time has come, the newest. */
export function signingKeyAt(schedule: KeySchedule, now: number): ScheduledKey | undefined {
  return schedule.findLast((key) => key.signsFrom <= now) ?? schedule[0];
}

/** The keys that are in the JWKS now, the one that signs first. */
export function publishedKeysAt(schedule: KeySchedule, now: number): ScheduledKey[] {
  const signing = signingKeyAt(schedule, now);
  const others = schedule.filter(
    (key) => key !== signing && (key.publishedUntil === undefined || key.publishedUntil > now),
  );
  return signing ? [signing, ...others] : others;
}

export function statusAt(schedule: KeySchedule, key: ScheduledKey, now: number): KeyStatus {
  if (key.kid === signingKeyAt(schedule, now)?.kid) return 'signing';
  return key.signsFrom > now ? 'announced' : 'retired';
}

/** When the published keys, or the one that signs, change next; Infinity for never. */
export function nextChangeAfter(schedule: KeySchedule, now: number): number {
  const moments = schedule.flatMap((key) => [key.signsFrom, key.publishedUntil ?? Number.POSITIVE_INFINITY]);
  return Math.min(Number.POSITIVE_INFINITY, ...moments.filter((moment) => moment > now));
}

export interface Rotation {
  readonly jwk: JWK & { readonly kid: string };
  readonly now: number;
  /** Milliseconds for which the key is in the JWKS before it signs. */
  readonly announceFor: number;
  /** Milliseconds that the longest-lived token lives which it may sign. */
  readonly longestLife: number;
}

/**
 * Adds a key that will take over. The keys before it stay published until the last token that they may have signed by
 * then has expired; those for which that is past are left out.
 */
export function withRotation(schedule: KeySchedule, { jwk, now, announceFor, longestLife }: Rotation): KeySchedule {
  const signsFrom = now + announceFor;
  const before = schedule
    .filter((key) => key.publishedUntil === undefined || key.publishedUntil > now)
    .map((key) => ({ ...key, publishedUntil: key.publishedUntil ?? signsFrom + key.longestLife + TOLERANCE }));
  return [...before, { kid: jwk.kid, jwk, announcedAt: now, signsFrom, longestLife }];
}

/**
 * Puts back the keys that somebody knows and the schedule lacks, since the store lost them. Another key may have been made
 * meanwhile: what signed before it stays published until the last token that it may have signed by now has expired.
 */
export function withRestoredKeys(schedule: KeySchedule, known: KeySchedule, now: number): KeySchedule {
  const lost = known.filter(
    (key) =>
      !schedule.some(({ kid }) => kid === key.kid) && (key.publishedUntil === undefined || key.publishedUntil > now),
  );
  if (lost.length === 0) return schedule;
  const all = [...schedule, ...lost].sort((one, other) => one.signsFrom - other.signsFrom);
  return all.map((key, index) => {
    const next = all[index + 1];
    if (next === undefined || key.publishedUntil !== undefined) return key;
    return { ...key, publishedUntil: Math.max(now, next.signsFrom) + key.longestLife + TOLERANCE };
  });
}

/** Lets the keys that sign, now or later, sign tokens that live so long. @param longestLife in milliseconds */
export function withLongestLife(schedule: KeySchedule, longestLife: number, now: number): KeySchedule {
  return schedule.map((key) => {
    const longer = longestLife - key.longestLife;
    if (longer <= 0 || statusAt(schedule, key, now) === 'retired') return key;
    const publishedUntil = key.publishedUntil === undefined ? undefined : key.publishedUntil + longer;
    return { ...key, longestLife, ...(publishedUntil !== undefined && { publishedUntil }) };
  });
}

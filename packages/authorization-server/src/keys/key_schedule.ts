import type { JWK } from 'jose';

/** A private key and its schedule. All times are epoch milliseconds. */
export interface ScheduledKey {
  readonly kid: string;
  readonly jwk: JWK;
  readonly announcedAt: number;
  readonly signsFrom: number;
  /** Lifetime of the longest-lived token that the key may sign, in milliseconds. */
  readonly longestLife: number;
  /** When the last token that this key signed has expired. Known once a rotation replaces the key. */
  readonly publishedUntil?: number;
}

/** The keys of an issuer for one algorithm, the newest last. The status of each key depends on the time only. */
export type KeySchedule = readonly ScheduledKey[];

export type KeyStatus = 'announced' | 'signing' | 'retired';

/** Milliseconds for clock differences, and for the delay until all authorization servers on the store know a change. */
const TOLERANCE = 10_000;

/** The key that signs now: the newest of those whose `signsFrom` has passed. */
export function signingKeyAt(schedule: KeySchedule, now: number): ScheduledKey | undefined {
  return schedule.findLast((key) => key.signsFrom <= now) ?? schedule[0];
}

/** The keys in the JWKS now, the signing one first. */
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

/** When the published keys or the signing key change next, in epoch milliseconds; `Infinity` for never. */
export function nextChangeAfter(schedule: KeySchedule, now: number): number {
  const moments = schedule.flatMap((key) => [key.signsFrom, key.publishedUntil ?? Number.POSITIVE_INFINITY]);
  return Math.min(Number.POSITIVE_INFINITY, ...moments.filter((moment) => moment > now));
}

export interface Rotation {
  readonly jwk: JWK & { readonly kid: string };
  readonly now: number;
  /** Milliseconds that the key is in the JWKS before it signs. */
  readonly announceFor: number;
  /** Lifetime of the longest-lived token that the key may sign, in milliseconds. */
  readonly longestLife: number;
}

/**
 * Adds the next signing key. Earlier keys stay published until the last token that they may have signed before the rotation
 * has expired. Keys for which that time has passed are dropped.
 */
export function withRotation(schedule: KeySchedule, { jwk, now, announceFor, longestLife }: Rotation): KeySchedule {
  const signsFrom = now + announceFor;
  const before = schedule
    .filter((key) => key.publishedUntil === undefined || key.publishedUntil > now)
    .map((key) => ({ ...key, publishedUntil: key.publishedUntil ?? signsFrom + key.longestLife + TOLERANCE }));
  return [...before, { kid: jwk.kid, jwk, announcedAt: now, signsFrom, longestLife }];
}

/**
 * Restores known keys that the store lost. If another key was made in the meantime, a restored key stays published until the
 * last token that it may have signed by now has expired.
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

/** Allows the current and announced keys to sign tokens with a longer lifetime. @param longestLife in milliseconds */
export function withLongestLife(schedule: KeySchedule, longestLife: number, now: number): KeySchedule {
  return schedule.map((key) => {
    const longer = longestLife - key.longestLife;
    if (longer <= 0 || statusAt(schedule, key, now) === 'retired') return key;
    const publishedUntil = key.publishedUntil === undefined ? undefined : key.publishedUntil + longer;
    return { ...key, longestLife, ...(publishedUntil !== undefined && { publishedUntil }) };
  });
}

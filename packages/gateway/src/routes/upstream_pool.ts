import type { UpstreamHealthConfig } from '../config/upstream.ts';
import { parseUpstream, type Upstream } from './upstream.ts';

/** What is known about an upstream from the requests it was sent. */
export interface UpstreamHealth {
  readonly origin: string;
  /** Whether it gets its share of the requests. */
  readonly isHealthy: boolean;
  /** In a row, up to now. */
  readonly failures: number;
}

/**
 * The servers behind one route. They take turns; one that fails to answer, again and again, is left alone for a while, and tried
 * with a request when that time is over. Nothing else is sent to find out how they are.
 */
export interface UpstreamPool {
  /** The next one of those that are not left alone; when all are, the one that failed the longest ago. */
  pick(): Upstream;
  /** Likewise, but not this one; undefined when there is no other. */
  pickOther(than: Upstream): Upstream | undefined;
  /** It refused the connection, broke it off or was too slow. */
  failed(upstream: Upstream): void;
  answered(upstream: Upstream, status: number): void;
  health(): readonly UpstreamHealth[];
}

interface Member {
  readonly upstream: Upstream;
  failures: number;
  /** Epoch milliseconds. */
  failedAt: number;
  /** Epoch milliseconds; when its time of being left alone is over. */
  restsUntil: number;
  /** Milliseconds; how long it was left alone the last time. */
  coolDown: number;
}

/**
 * @param origins one or more that differ, all http or all https
 * @param now epoch milliseconds
 * @throws {TypeError} without any
 */
export function createUpstreamPool(
  origins: readonly string[],
  { maxFailures, coolDown, maxCoolDown, failureStatuses }: UpstreamHealthConfig,
  now: () => number,
): UpstreamPool {
  const members = origins.map(
    (origin): Member => ({ upstream: parseUpstream(origin), failures: 0, failedAt: 0, restsUntil: 0, coolDown: 0 }),
  );
  const [first] = members;
  if (first === undefined) throw new TypeError('a route must have an upstream');
  const byUpstream = new Map(members.map((member) => [member.upstream, member]));
  let turn = 0;

  /** A clock that was set back must not keep an upstream out until it has caught up. */
  function rests({ failures, failedAt, restsUntil }: Member): boolean {
    if (failures < maxFailures) return false;
    const time = now();
    return failedAt <= time && time < restsUntil;
  }

  function pickExcept(excluded: Member | undefined): Upstream | undefined {
    let longestAgo: Member | undefined;
    for (let step = 0; step < members.length; step += 1) {
      const member = members[(turn + step) % members.length];
      if (member === undefined || member === excluded) continue;
      if (!rests(member)) {
        turn = (turn + step + 1) % members.length;
        return member.upstream;
      }
      if (longestAgo === undefined || member.failedAt < longestAgo.failedAt) longestAgo = member;
    }
    return longestAgo?.upstream;
  }

  function failed(upstream: Upstream): void {
    const member = byUpstream.get(upstream);
    if (member === undefined) return;
    const time = now();
    // Of requests that were under way together, only the first failure makes the time longer.
    const restsAlready = rests(member);
    member.failures += 1;
    member.failedAt = time;
    if (member.failures < maxFailures || restsAlready) return;
    member.coolDown = Math.min(member.coolDown === 0 ? coolDown : member.coolDown * 2, maxCoolDown);
    member.restsUntil = time + member.coolDown;
  }

  return {
    pick: members.length === 1 ? () => first.upstream : () => pickExcept(undefined) ?? first.upstream,
    pickOther: (than) => pickExcept(byUpstream.get(than)),
    failed,
    answered(upstream, status) {
      if (failureStatuses.includes(status)) {
        failed(upstream);
        return;
      }
      const member = byUpstream.get(upstream);
      if (member === undefined || member.failures === 0) return;
      member.failures = 0;
      member.coolDown = 0;
    },
    health: () =>
      members.map((member) => ({
        origin: `${member.upstream.protocol}//${member.upstream.host}`,
        isHealthy: !rests(member),
        failures: member.failures,
      })),
  };
}

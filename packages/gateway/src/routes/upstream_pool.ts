import type { UpstreamHealthConfig } from '../config/upstream.ts';

/** The server of an API, as options for `http.request`. */
export interface Upstream {
  readonly protocol: 'http:' | 'https:';
  /** Host and port, as in the `Host` header. */
  readonly host: string;
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
}

/** @param origin scheme and authority, for example `http://localhost:4200` */
export function parseUpstream(origin: string): Upstream {
  const url = new URL(origin);
  const isSecure = url.protocol === 'https:';
  return {
    protocol: isSecure ? 'https:' : 'http:',
    host: url.host,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
  };
}

/** The health of an upstream, as observed from its requests. */
export interface UpstreamHealth {
  readonly origin: string;
  /** Whether it gets its share of the requests. */
  readonly isHealthy: boolean;
  /** Consecutive failures up to now. */
  readonly failures: number;
}

/**
 * The upstreams of one route, used in turn (round robin). An upstream that fails repeatedly is skipped for a cool-down, and then tried with
 * one request. There are no separate health checks.
 */
export interface UpstreamPool {
  /** @returns the next healthy upstream; if all are cooling down, the one whose last failure is the oldest */
  pick(): Upstream;
  /** Like `pick`, but never returns this one. @returns undefined when there is no other */
  pickOther(than: Upstream): Upstream | undefined;
  /** Records that an upstream refused the connection, broke it off or was too slow. */
  failed(upstream: Upstream): void;
  /** Records a response. Some statuses count as failures. */
  answered(upstream: Upstream, status: number): void;
  health(): readonly UpstreamHealth[];
}

interface Member {
  readonly upstream: Upstream;
  failures: number;
  /** Epoch milliseconds. */
  failedAt: number;
  /** Epoch milliseconds. */
  coolDownEnds: number;
  /** Milliseconds; the length of the last cool-down. */
  coolDown: number;
}

/**
 * @param origins one or more that differ, all http or all https
 * @param now epoch milliseconds
 * @throws {TypeError} without an origin
 */
export function createUpstreamPool(
  origins: readonly string[],
  health: UpstreamHealthConfig,
  now: () => number,
): UpstreamPool {
  const members = origins.map(
    (origin): Member => ({ upstream: parseUpstream(origin), failures: 0, failedAt: 0, coolDownEnds: 0, coolDown: 0 }),
  );
  const [first] = members;
  if (first === undefined) throw new TypeError('a route must have an upstream');
  const byUpstream = new Map(members.map((member) => [member.upstream, member]));
  let turn = 0;

  function pickExcept(excluded: Member | undefined): Upstream | undefined {
    let oldestFailure: Member | undefined;
    for (let step = 0; step < members.length; step += 1) {
      const member = members[(turn + step) % members.length];
      if (member === undefined || member === excluded) continue;
      if (!isCoolingDown(member, health, now)) {
        turn = (turn + step + 1) % members.length;
        return member.upstream;
      }
      if (oldestFailure === undefined || member.failedAt < oldestFailure.failedAt) oldestFailure = member;
    }
    return oldestFailure?.upstream;
  }

  return {
    pick: members.length === 1 ? () => first.upstream : () => pickExcept(undefined) ?? first.upstream,
    pickOther: (than) => pickExcept(byUpstream.get(than)),
    failed(upstream) {
      const member = byUpstream.get(upstream);
      if (member !== undefined) recordFailure(member, health, now);
    },
    answered(upstream, status) {
      const member = byUpstream.get(upstream);
      if (member === undefined) return;
      if (health.failureStatuses.includes(status)) recordFailure(member, health, now);
      else if (member.failures > 0) Object.assign(member, { failures: 0, coolDown: 0 });
    },
    health: () =>
      members.map((member) => ({
        origin: `${member.upstream.protocol}//${member.upstream.host}`,
        isHealthy: !isCoolingDown(member, health, now),
        failures: member.failures,
      })),
  };
}

/** A failure in the future means that the clock was set back. Then the cool-down ends at once, not when the clock catches up. */
function isCoolingDown(member: Member, { maxFailures }: UpstreamHealthConfig, now: () => number): boolean {
  if (member.failures < maxFailures) return false;
  const time = now();
  return member.failedAt <= time && time < member.coolDownEnds;
}

function recordFailure(member: Member, health: UpstreamHealthConfig, now: () => number): void {
  const { maxFailures, coolDown, maxCoolDown } = health;
  // Of requests that fail together, only the first failure extends the cool-down.
  const wasCoolingDown = isCoolingDown(member, health, now);
  member.failures += 1;
  member.failedAt = now();
  if (member.failures < maxFailures || wasCoolingDown) return;
  member.coolDown = Math.min(member.coolDown === 0 ? coolDown : member.coolDown * 2, maxCoolDown);
  member.coolDownEnds = member.failedAt + member.coolDown;
}

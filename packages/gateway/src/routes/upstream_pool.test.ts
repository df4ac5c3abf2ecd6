import { beforeEach, describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import { upstreamHealth } from '../config/upstream.ts';
import { createUpstreamPool, parseUpstream, type Upstream } from './upstream_pool.ts';

let time: number;
beforeEach(() => {
  time = 1_000_000;
});

function poolOf(
  origins: readonly string[],
  config: z.input<typeof upstreamHealth> = { maxFailures: 2, coolDown: 10, maxCoolDown: 30 },
) {
  const pool = createUpstreamPool(origins, upstreamHealth.parse(config), () => time);
  const picks = (count: number) => Array.from({ length: count }, () => pool.pick().host);
  const fail = (upstream: Upstream, times: number) => {
    for (let count = 0; count < times; count += 1) pool.failed(upstream);
  };
  /** Picks until it is the turn of this host. */
  const member = (host: string) => {
    for (let count = 0; count < 100; count += 1) {
      const upstream = pool.pick();
      if (upstream.host === host) return upstream;
    }
    throw new Error(`${host} is never picked`);
  };
  return { pool, picks, fail, member };
}

const three = ['http://a', 'http://b', 'http://c'];

describe('Upstreams', () => {
  test('are used in turn', () => {
    expect(poolOf(three).picks(7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
    expect(poolOf(['http://a']).picks(2)).toEqual(['a', 'a']);
  });

  test('that fail repeatedly are skipped for a cool-down, and then tried', () => {
    const { pool, picks, fail, member } = poolOf(three);
    const b = member('b');
    fail(b, 1);
    expect(picks(3)).toContain('b');
    fail(b, 1);
    expect(new Set(picks(6))).toEqual(new Set(['a', 'c']));
    expect(pool.health()).toEqual([
      { origin: 'http://a', isHealthy: true, failures: 0 },
      { origin: 'http://b', isHealthy: false, failures: 2 },
      { origin: 'http://c', isHealthy: true, failures: 0 },
    ]);
    time += 10;
    expect(picks(3)).toContain('b');
    expect(pool.health()[1]).toMatchObject({ isHealthy: true });
  });

  test('have a cool-down that doubles up to a limit, until they answer', () => {
    const { pool, picks, fail, member } = poolOf(three);
    const b = member('b');
    fail(b, 2);
    for (const coolDown of [10, 20, 30, 30]) {
      time += coolDown - 1;
      expect(picks(3)).not.toContain('b');
      time += 1;
      expect(picks(3)).toContain('b');
      fail(b, 1);
    }
    time += 30;
    pool.answered(b, 200);
    fail(b, 2);
    time += 10;
    expect(picks(3)).toContain('b');
  });

  test('have one cool-down for requests that fail together', () => {
    const { picks, fail, member } = poolOf(three);
    fail(member('b'), 50);
    time += 10;
    expect(picks(3)).toContain('b');
  });

  test('that answer between their failures are not skipped', () => {
    const { pool, picks, fail, member } = poolOf(three);
    const b = member('b');
    fail(b, 1);
    pool.answered(b, 500);
    fail(b, 1);
    expect(picks(3)).toContain('b');
  });

  test('fail with the configured statuses', () => {
    const { pool, picks, member } = poolOf(three, { maxFailures: 1, failureStatuses: [503] });
    const b = member('b');
    pool.answered(b, 500);
    expect(picks(3)).toContain('b');
    pool.answered(b, 503);
    expect(picks(3)).not.toContain('b');
  });

  test('are all cooling down: the one whose failure is the oldest is picked', () => {
    const { pool, picks, fail, member } = poolOf(three);
    for (const host of ['b', 'a', 'c']) {
      fail(member(host), 2);
      time += 1;
    }
    expect(picks(3)).toEqual(['b', 'b', 'b']);
    const b = pool.pick();
    fail(b, 1);
    expect(picks(2)).toEqual(['a', 'a']);
    expect(pool.pickOther(b)?.host).toBe('a');
  });

  test('have another one, or none', () => {
    const { pool, member } = poolOf(three);
    const b = member('b');
    for (let count = 0; count < 5; count += 1) expect(['a', 'c']).toContain(pool.pickOther(b)?.host);
    const alone = poolOf(['http://a']).pool;
    expect(alone.pickOther(alone.pick())).toBeUndefined();
  });

  test('are not skipped longer when the clock is set back', () => {
    const { picks, fail, member } = poolOf(three);
    fail(member('b'), 2);
    time -= 500;
    expect(picks(3)).toContain('b');
  });
});

test('an upstream is parsed from an origin', () => {
  expect(parseUpstream('http://localhost:4200')).toEqual({
    protocol: 'http:',
    host: 'localhost:4200',
    hostname: 'localhost',
    port: 4200,
  });
  expect(parseUpstream('https://api.example.com')).toMatchObject({ host: 'api.example.com', port: 443 });
  expect(parseUpstream('http://[::1]:80')).toMatchObject({ host: '[::1]', hostname: '::1', port: 80 });
});

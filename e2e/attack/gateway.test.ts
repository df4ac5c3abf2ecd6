import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Writing } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { requirement } from '../requirements/index.ts';
import { serviceToken } from '../support/clients/clients.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { STYLES, type Style, type World } from '../support/worlds/world.ts';
import { type Attacker, type Connection, createAttacker, type Held } from './attacker.ts';
import { corpus } from './corpus.ts';
import type { RawCase } from './raw_case.ts';
import { type StrictUpstream, startStrictUpstream } from './strict_upstream.ts';

let world: World;
let upstream: StrictUpstream;
let attacker: Attacker;
let turns = 0;
const held = {} as Record<Style, Held>;

beforeAll(async () => {
  upstream = await startStrictUpstream();
  world = await startOneProcess((config) => {
    for (const route of config.gateway.routes) route.upstream = upstream.url;
    return config;
  });
  attacker = createAttacker(world.gateways[0], upstream);
  for (const style of STYLES) {
    const token = await serviceToken(world, style, 'read write');
    // The client's own JWT, the reference token that the API introspects, or the JWT that the gateway looked up.
    const inside = {
      jwt: token,
      opaque: token,
      phantom: 'eyJ[\\w-]+\\.eyJ[\\w-]+\\.[\\w-]{86}',
      split: `eyJ[\\w-]+\\.eyJ[\\w-]+\\.${token}`,
    };
    held[style] = { path: `/${style}`, token, authorization: new RegExp(`^Bearer ${inside[style]}$`) };
  }
});
afterAll(async () => {
  await world.stop();
  await upstream.stop();
});

const cases = Object.entries(corpus).flatMap(([topic, raws]) => raws.map((raw) => [topic, raw.name, raw] as const));

test('the corpus has at least 150 cases with unique names', () => {
  expect(cases.length).toBeGreaterThanOrEqual(150);
  expect(new Set(cases.map(([, name]) => name)).size).toBe(cases.length);
});

describe(requirement('malformed-requests'), () => {
  test.each(cases)('%s: %s', async (_topic, _name, raw) => {
    const styles = STYLES.filter((style) => style !== raw.exceptFor);
    for (const style of styles) await expectHarmless(style, raw, 'a fresh connection', 'at once');
    // The style changes from case to case: connection and writing do not depend on the token.
    const turn = () => styles[turns++ % styles.length] as Style;
    await expectHarmless(turn(), raw, 'a connection in use', 'at once');
    if (raw.bytes.length < 2_000) await expectHarmless(turn(), raw, 'a fresh connection', 'byte by byte');
  });
});

async function expectHarmless(style: Style, raw: RawCase, connection: Connection, writing: Writing) {
  const { statuses, requests, bytes } = await attacker.attack(held[style], raw, connection, writing);
  const where = `${style}, ${connection}, ${writing}`;
  expect({ where, statuses, requests: requests.length }).toEqual({
    where,
    statuses: expect.stringMatching(new RegExp(`^(${raw.answers})$`)),
    requests: raw.reaches === '0 or 1' ? Math.min(requests.length, 1) : raw.reaches,
  });
  expect(upstream.faults).toEqual([]);
  if (raw.body !== undefined) expect(requests.map(({ body }) => body)).toEqual([raw.body]);
  expect(bytes).not.toContain(held[style].token);
  expect(bytes).not.toContain('mallory');
}

test(requirement('malformed-requests', 'no connection or partial request is left at the API'), async () => {
  await until(() => upstream.unfinished() === 0);
  expect(upstream.connections()).toBeLessThanOrEqual(5);
});

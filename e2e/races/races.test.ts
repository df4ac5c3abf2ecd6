import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { browsing } from './browsing.ts';
import { deciding } from './deciding.ts';
import { ending } from './ending.ts';
import { once } from './once.ts';
import { runRound } from './race.ts';
import { type RaceWorld, startRaceWorld } from './race_world.ts';

/** Of each race. `npm run races` sets more. */
const ROUNDS = Number(process.env.RACE_ROUNDS ?? 4);

const RACES = [...once, ...ending, ...deciding, ...browsing];

let world: RaceWorld;
beforeAll(async () => {
  world = await startRaceWorld();
});
afterAll(() => world?.stop());

test.each(RACES)(
  requirement('at-the-same-moment', '$name'),
  async (race) => {
    const outcomes = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const outcome = await runRound(race, world, round);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    if (process.env.RACE_ROUNDS) console.log(`${race.name}: ${inWords(outcomes)}`);
    expect([...outcomes.keys()].filter((outcome) => !race.allowed.includes(outcome))).toEqual([]);
  },
  Math.max(300_000, ROUNDS * 5_000),
);

function inWords(outcomes: ReadonlyMap<string, number>): string {
  return [...outcomes].map(([outcome, times]) => `${times} × ${outcome}`).join('; ');
}

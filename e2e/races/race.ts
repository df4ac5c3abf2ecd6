import type { RaceWorld } from './race_world.ts';

/** Requests that meet: what each does at the same moment as the others, and what may come of it. */
export interface Race {
  readonly name: string;
  /** The section that says what may come of it. */
  readonly source: string;
  /** Makes what one round is about. */
  prepare(world: RaceWorld): Promise<Round>;
  /** What the actions may say, in the order of the alphabet, and after a semicolon what is true when all were answered. */
  readonly allowed: readonly string[];
}

export interface Round {
  /** Each says in a word how it went. */
  readonly actions: readonly (() => Promise<string>)[];
  readonly after?: () => Promise<string>;
}

/** Milliseconds within which the actions of a round set off, in turn: who comes first, and how far, is to change. */
const SPREADS = [0, 8, 25, 3];

/** Spread evenly, and differently in every round. */
function offsetOf(round: number, action: number): number {
  const spread = SPREADS[round % SPREADS.length] ?? 0;
  return ((round * 0.618 + action * (0.25 + 0.38 * (round % 2))) % 1) * spread;
}

/** @param number of the round, from 0. @returns what came of it, as `Race.allowed` has it */
export async function runRound(race: Race, world: RaceWorld, number: number): Promise<string> {
  const { actions, after } = await race.prepare(world);
  const said = await Promise.all(
    actions.map(async (act, index) => {
      const offset = offsetOf(number, index);
      if (offset > 0) await new Promise((resolve) => setTimeout(resolve, offset));
      return act();
    }),
  );
  const outcome = said.sort().join(' + ');
  return after === undefined ? outcome : `${outcome}; ${await after()}`;
}

/** All that may be said when each of some actions may say one of some words. */
export function combinations(...words: readonly (readonly string[])[]): string[] {
  const all = words.reduce<string[][]>(
    (combined, options) => combined.flatMap((one) => options.map((word) => [...one, word])),
    [[]],
  );
  return [...new Set(all.map((one) => one.sort().join(' + ')))];
}

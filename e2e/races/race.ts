import type { RaceWorld } from './race_world.ts';

/** Concurrent requests: the action of each, and the allowed outcomes. */
export interface Race {
  readonly name: string;
  /** The section that defines the allowed outcomes. */
  readonly source: string;
  /** Prepares one round. */
  prepare(world: RaceWorld): Promise<Round>;
  /** Allowed outcomes: the results of the actions in alphabetical order; after a semicolon, the final state. */
  readonly allowed: readonly string[];
}

export interface Round {
  /** Each returns its result as one word. */
  readonly actions: readonly (() => Promise<string>)[];
  readonly after?: () => Promise<string>;
}

/** Milliseconds within which the actions of a round start. Order and distance vary from round to round. */
const SPREADS = [0, 8, 25, 3];

/** Spread evenly, and differently in every round. */
function offsetOf(round: number, action: number): number {
  const spread = SPREADS[round % SPREADS.length] ?? 0;
  return ((round * 0.618 + action * (0.25 + 0.38 * (round % 2))) % 1) * spread;
}

/** @param number of the round, from 0. @returns the outcome, in the form of `Race.allowed` */
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

import type { Problem } from './problem.ts';

/** A configuration that cannot be used. Each problem has the path of the wrong value and what was expected. */
export class ConfigError extends Error {
  readonly code = 'config_invalid';
  override name = 'ConfigError';
  readonly problems: readonly string[];

  /** @param source the name of the file, or where else the configuration came from */
  constructor(source: string, problems: readonly string[]) {
    super([`${source} cannot be used:`, ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.problems = problems;
  }
}

/** `gateway.routes[0].api: expected the resource of one of the apis; found "x"` */
export function describeProblem({ path, expected, found }: Problem): string {
  return `${pathText(path) || 'the configuration'}: ${expected}; found ${found}`;
}

/** `gateway.routes[0].api` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) => text + (typeof step === 'number' ? `[${step}]` : `${text && '.'}${String(step)}`),
    '',
  );
}

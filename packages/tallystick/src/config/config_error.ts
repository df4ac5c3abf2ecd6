import type { z } from 'zod';

/** A configuration that cannot be used: each problem with the path of the bad value and what was expected. */
export class ConfigError extends Error {
  readonly code = 'config_invalid';
  override name = 'ConfigError';
  readonly problems: readonly string[];

  /** @param source the file's name, or what else it came from */
  constructor(source: string, problems: readonly string[]) {
    super([`${source} cannot be used:`, ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.problems = problems;
  }
}

/** `gateway.routes[0].api: expected the resource of one of the apis; found "x"` */
export function describeProblem(issue: z.core.$ZodIssue): string {
  const path = pathText(issue.path);
  const expected = issue.message
    .replace(/^Invalid input: /, '')
    .replace(/, received .*$/, '')
    .replace(/^Invalid option: /, '');
  return `${path || 'the configuration'}: ${expected}${found(issue)}`;
}

/** `gateway.routes[0].api` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) => text + (typeof step === 'number' ? `[${step}]` : `${text && '.'}${String(step)}`),
    '',
  );
}

function found(issue: z.core.$ZodIssue): string {
  const isSecret =
    ['secret', 'password', 'jwks', 'signingKey', 'key', 'privateKey'].some((name) => issue.path.includes(name)) ||
    ['store.url', 'store.tls', 'store.sentinel'].includes(pathText(issue.path));
  if (isSecret || issue.code === 'unrecognized_keys') return '';
  return issue.input === undefined ? '; found nothing' : `; found ${JSON.stringify(issue.input).slice(0, 80)}`;
}

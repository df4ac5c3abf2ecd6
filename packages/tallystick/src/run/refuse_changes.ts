import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../config/config_error.ts';
import type { Config } from '../config/schema.ts';

/**
 * Refuses a configuration in which a section differs that the role reads only when it starts.
 *
 * @throws {ConfigError}
 */
export function refuseChanges(role: string, before: Config, after: Config, fixed: readonly (keyof Config)[]): void {
  const problems = fixed
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => `${name}: cannot change while ${role} runs`);
  if (problems.length > 0) throw new ConfigError('the configuration', problems);
}

import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../config/config_error.ts';
import type { Config } from '../config/schema.ts';

/**
 * Refuses a configuration in which a value differs that the role reads only when it starts.
 *
 * @param fixed paths of these values, such as `gateway.port`
 * @throws {ConfigError}
 */
export function refuseChanges(role: string, before: Config, after: Config, fixed: readonly string[]): void {
  const problems = fixed
    .filter((path) => !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)))
    .map((path) => `${path}: cannot change while ${role} runs`);
  if (problems.length > 0) throw new ConfigError('the configuration', problems);
}

function valueAt(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config);
}

import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { ConfigError, describeProblem } from './config_error.ts';
import { applyEnvironment } from './environment_overrides.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';

/**
 * Reads a configuration file, YAML or JSON, with the environment's overrides in place.
 *
 * @throws {ConfigError} it cannot be read, is no YAML, or says something that cannot be
 */
export async function loadConfig(file: string, environment: NodeJS.ProcessEnv = {}): Promise<Config> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new ConfigError(file, ['the file cannot be read']);
  }
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map((error) => String(error.message.split('\n')[0])),
    );
  }
  return checkConfig(applyEnvironment(document.toJS(), environment), file);
}

/**
 * Checks a configuration and fills in the defaults.
 *
 * @param source what the configuration is called in an error
 * @throws {ConfigError}
 */
export function checkConfig(config: ConfigInput | unknown, source = 'the configuration'): Config {
  const result = configSchema.safeParse(config, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigError(source, result.error.issues.map(describeProblem));
}

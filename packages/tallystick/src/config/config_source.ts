import { access } from 'node:fs/promises';
import { ConfigError } from './config_error.ts';
import { CONFIG_VARIABLE } from './environment_overrides.ts';
import { checkDocument, checkSections, readConfigFile, readDocument } from './load_config.ts';
import type { Role } from './role.ts';
import type { Config, ConfigSections } from './schema.ts';

/** The file of a folder. */
export const DEFAULT_FILE = 'tallystick.config.yaml';

/** Where a configuration comes from. */
export type ConfigSource =
  | { readonly kind: 'file'; readonly file: string }
  /** The text of the variable `TALLYSTICK_CONFIG`. */
  | { readonly kind: 'variable'; readonly text: string }
  /** The demo configuration of this package. */
  | { readonly kind: 'demo' };

/**
 * Finds the configuration of a command: the file that was given, then the variable `TALLYSTICK_CONFIG`, then
 * `tallystick.config.yaml` in this folder, then the demo.
 *
 * @param given name of the file from the command line
 */
export async function findConfig(given: string | undefined, environment: NodeJS.ProcessEnv): Promise<ConfigSource> {
  if (given !== undefined) return { kind: 'file', file: given };
  const text = environment[CONFIG_VARIABLE];
  if (text !== undefined && text.trim() !== '') return { kind: 'variable', text };
  return (await exists(DEFAULT_FILE)) ? { kind: 'file', file: DEFAULT_FILE } : { kind: 'demo' };
}

/** A file that exists and cannot be read is an error, not a reason to run something else. */
async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/** Name of a source in messages. */
export function sourceName(source: ConfigSource): string {
  if (source.kind === 'file') return source.file;
  return source.kind === 'variable' ? CONFIG_VARIABLE : 'the built-in demo configuration';
}

/**
 * Reads a configuration, and applies the environment variables.
 *
 * @param role the only role of the process; default: all roles
 * @throws {ConfigError} it cannot be read, is not YAML, or has a wrong value
 */
export async function readConfig(source: ConfigSource, environment: NodeJS.ProcessEnv, role?: Role): Promise<Config> {
  return checkDocument(await readSource(source), sourceName(source), environment, role);
}

/**
 * Reads a configuration as `readConfig` does, and checks its sections only: without a role, it is not known which values are missing.
 *
 * @throws {ConfigError}
 */
export async function readSections(source: ConfigSource, environment: NodeJS.ProcessEnv): Promise<ConfigSections> {
  return checkSections(await readSource(source), sourceName(source), environment);
}

async function readSource(source: ConfigSource): Promise<unknown> {
  if (source.kind === 'file') return readDocument(await readConfigFile(source.file), source.file);
  if (source.kind === 'variable') return readVariable(source.text);
  return (await import('./demo_config.ts')).demoConfig;
}

/** @throws {ConfigError} */
function readVariable(text: string): unknown {
  const document = readDocument(text, CONFIG_VARIABLE);
  if (typeof document !== 'string') return document;
  throw new ConfigError(CONFIG_VARIABLE, [
    'the configuration: expected its YAML or JSON; found a text. For the name of a file, use --config',
  ]);
}
